/** What is longer doesn't fit beside a sign-in in a cookie (characters). */
const longest = 1024
/** None of a path's characters depends on it. */
const anywhere = "https://app.invalid"

const pathOf = (url: URL): string => `${url.pathname}${url.search}${url.hash}`

const isHere = (text: string): boolean => URL.canParse(text, anywhere) && new URL(text, anywhere).origin === anywhere

/**
 * Where to go within this app: an absolute path, as a browser reads it (WHATWG URL, which takes `\` for `/` and skips tabs),
 * else `/`. Paths at which a sign-in begins or ends are no places to return to.
 *
 * @internal
 */
export const parseReturnTo = (text: string | undefined, excluded: ReadonlyArray<string> = []): string => {
  if (text === undefined || !/^\/(?![/\\])/.test(text) || !isHere(text)) return "/"
  const url = new URL(text, anywhere)
  const path = pathOf(url)
  // Of `/.//host` a URL makes `//host`.
  const isFit = path.length <= longest && !path.startsWith("//") && isHere(path)
  return isFit && !excluded.includes(url.pathname) ? path : "/"
}

/**
 * The path and query of a request, whatever the server gives as its URL.
 *
 * @internal
 */
export const requestUrl = (originalUrl: string): URL =>
  URL.canParse(originalUrl, anywhere) ? new URL(originalUrl, anywhere) : new URL(anywhere)
