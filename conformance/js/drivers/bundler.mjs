// @snort/system is built for bundlers: its imports name files without their ending. This finds them as a bundler does.
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context)
  } catch (reason) {
    if (reason.code !== "ERR_MODULE_NOT_FOUND" && reason.code !== "ERR_UNSUPPORTED_DIR_IMPORT") throw reason
    try {
      return await next(specifier + ".js", context)
    } catch {
      return await next(specifier + "/index.js", context)
    }
  }
}
