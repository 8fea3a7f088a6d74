/** save gives the reader a file. It never leaves this page but to his disk. */
export function save(name: string, type: string, parts: string[]) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
