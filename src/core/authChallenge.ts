import { type Cursor, cursorOf, sees, take, takeQuoted, takeValue } from "./challengeText.js"

/**
 * One challenge of a `WWW-Authenticate` field.
 *
 * @internal
 */
export interface AuthChallenge {
  /** Lower-case: schemes don't distinguish case. */
  readonly scheme: string
  readonly token68: string | undefined
  /** By lower-case name, without prototype. Where one is repeated, the first one stands. */
  readonly parameters: Readonly<Record<string, string>>
}

interface Draft extends AuthChallenge {
  readonly parameters: Record<string, string>
}

/** More than servers send and clients take in all headers together. */
const longest = 64 * 1024

const separators = /[ \t\r\n,]+/y
/** RFC 9110 5.6.2 */
const token = /[!#$%&'*+\-.^_`|~\dA-Za-z]+/y
const equals = /[ \t\r\n]*=[ \t\r\n]*/y
const tokenEnd = /[ \t\r\n,]|$/y
/** It stands alone between a scheme and the next comma, which a parameter's name and `=` don't. */
const token68 = /[ \t\r\n]+[\w\-.~+/]+=*(?=[ \t\r\n]*(?:,|$))/y
const quote = /"/y
const stray = /[^ \t\r\n,"]+/y

const takeScheme = (cursor: Cursor, name: string): Draft => {
  const credentials = take(cursor, token68).trim()
  return {
    scheme: name.toLowerCase(),
    token68: credentials === "" ? undefined : credentials,
    parameters: Object.create(null)
  }
}

const takeParameter = (cursor: Cursor, name: string, challenge: Draft | undefined): void => {
  const value = takeValue(cursor)
  if (challenge !== undefined) challenge.parameters[name.toLowerCase()] ??= value
}

const skipStray = (cursor: Cursor): string => (sees(cursor, quote) ? takeQuoted(cursor) : take(cursor, stray))

/**
 * Reads the challenges of a `WWW-Authenticate` field, whose lines may have been joined by commas (RFC 9110 5.3, 11.2, 11.6.1).
 *
 * Beyond the grammar it takes parameters that are separated by spaces alone, values that ought to be quoted or escaped, and
 * strings that are never closed. A token begins a challenge where a comma is before it and no `=` behind it. What fits nowhere
 * is passed over, a parameter without a challenge too. Total, in linear time; of a field longer than 64 KiB nothing is read.
 *
 * @internal
 */
export const parseAuthChallenges = (field: string): ReadonlyArray<AuthChallenge> => {
  const challenges: Array<Draft> = []
  const cursor = cursorOf(field.length > longest ? "" : field)
  let isFirst = true
  while (cursor.at < cursor.text.length) {
    isFirst = take(cursor, separators).includes(",") || isFirst
    const name = take(cursor, token)
    if (name === "") skipStray(cursor)
    else if (take(cursor, equals) !== "") takeParameter(cursor, name, challenges.at(-1))
    else if (isFirst && sees(cursor, tokenEnd)) challenges.push(takeScheme(cursor, name))
    isFirst = false
  }
  return challenges
}
