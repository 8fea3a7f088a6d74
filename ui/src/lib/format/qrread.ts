// Reading a QR code out of the camera's picture: with what the browser brings, else with our own reader, which comes when it is needed.

/** Reader finds the texts of the codes in a picture. */
export interface Reader {
  read(of: HTMLVideoElement): Promise<string[]>;
}

/** What browsers have of it; TypeScript does not know it. */
type Detector = { detect: (of: HTMLVideoElement) => Promise<{ rawValue: string }[]> };
type Made = (new (o: { formats: string[] }) => Detector) & { getSupportedFormats: () => Promise<string[]> };

/** The longer side of the picture that is looked at: enough for a code that fills a third of it. */
const side = 800;

/** reader is a new one; browsers on desktops mostly have none. */
export async function reader(): Promise<Reader> {
  if ("BarcodeDetector" in window) {
    const Kind = window.BarcodeDetector as Made;
    const formats = await Kind.getSupportedFormats().catch((): string[] => []);
    if (formats.includes("qr_code")) {
      const d = new Kind({ formats: ["qr_code"] });
      return { read: async (of) => (await d.detect(of).catch(() => [])).map((f) => f.rawValue) }; // none: a picture that is not there yet
    }
  }
  const { decodeQR } = await import("qr/decode.js");
  const canvas = document.createElement("canvas");
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  return {
    read: async (of) => {
      if (!ink || !of.videoWidth || !of.videoHeight) return [];
      const by = Math.min(1, side / Math.max(of.videoWidth, of.videoHeight));
      canvas.width = Math.round(of.videoWidth * by);
      canvas.height = Math.round(of.videoHeight * by);
      ink.drawImage(of, 0, 0, canvas.width, canvas.height);
      try {
        return [decodeQR(ink.getImageData(0, 0, canvas.width, canvas.height))];
      } catch {
        return []; // no code in it, or one that is blurred
      }
    },
  };
}
