/** Where the reading of a header stands. It only moves on, so that any header is read in linear time. */
export interface Cursor {
  readonly text: string
  at: number
  /** Looking for the end of a JSON object in vain is looking to the end of the header, which is done once. */
  isJsonLikely: boolean
}

/** @internal */
export const cursorOf = (text: string): Cursor => ({ text, at: 0, isJsonLikely: true })

/**
 * Whether a pattern, which has to be a sticky one, matches here.
 *
 * @internal
 */
export const sees = ({ at, text }: Cursor, pattern: RegExp): boolean => {
  pattern.lastIndex = at
  return pattern.test(text)
}

/**
 * Reads what a pattern matches, and moves behind it; reads nothing where it doesn't match.
 *
 * @internal
 */
export const take = (cursor: Cursor, pattern: RegExp): string => {
  const start = cursor.at
  if (sees(cursor, pattern)) cursor.at = pattern.lastIndex
  return cursor.text.slice(start, cursor.at)
}

const closingQuote = (text: string, start: number): number => {
  let at = start
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1
  return at
}

/**
 * Reads a quoted-string (RFC 9110 5.6.4); one that is never closed ends with the header.
 *
 * @internal
 */
export const takeQuoted = (cursor: Cursor): string => {
  const start = cursor.at + 1
  const end = closingQuote(cursor.text, start)
  cursor.at = end + 1
  return cursor.text.slice(start, end).replace(/\\(.)/gs, "$1")
}

const closingBrace = (text: string, start: number): number | undefined => {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = closingQuote(text, at + 1)
    else if (character === "{") depth++
    else if (character === "}" && --depth === 0) return at
  }
  return undefined
}

/** A JSON object between quotes, or between nothing. */
const takeJson = (cursor: Cursor, quote: '"' | "", ending: RegExp): string | undefined => {
  const start = cursor.at + quote.length
  const brace = cursor.isJsonLikely ? closingBrace(cursor.text, start) : undefined
  const end = brace === undefined ? undefined : brace + 1
  cursor.isJsonLikely = end !== undefined && sees({ ...cursor, at: end }, ending)
  if (end === undefined || !cursor.isJsonLikely) return undefined
  cursor.at = end + quote.length
  return cursor.text.slice(start, end)
}

/** What a quoted-string that escapes its quotes can't begin with: a member's name in its own quotes. */
const rawMember = /"\{[ \t\r\n]*"[^"\\]*"[ \t\r\n]*:/y
const quote = /"/y
const brace = /\{/y
const itemEnd = /[ \t\r\n,]|$/y
const plain = /[^ \t\r\n,]*/y

/**
 * Reads the value of a parameter: a token or a quoted-string (RFC 9110 11.2), or what servers write instead: a URL or base64
 * without quotes, and JSON without quotes, or in quotes without escapes, both taken as they stand.
 *
 * @internal
 */
export const takeValue = (cursor: Cursor): string => {
  if (sees(cursor, quote))
    return (sees(cursor, rawMember) ? takeJson(cursor, '"', quote) : undefined) ?? takeQuoted(cursor)
  return (sees(cursor, brace) ? takeJson(cursor, "", itemEnd) : undefined) ?? take(cursor, plain)
}
