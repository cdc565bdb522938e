import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { TokenResponse } from "../protocol/wire.js"

/** What a tool printed, as far as it is an object. */
export type Printed = Readonly<Record<string, unknown>>

/** How a tool writes its tokens. */
export interface Form {
  readonly token: string
  /** Epoch seconds. */
  readonly expiresOn: (printed: Printed) => number | undefined
}

/** More beginnings of an object are not tried: noise is a line or two. */
const mostStarts = 16

const isObject = (value: unknown): value is Printed =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const objectIn = (text: string): Printed | undefined => {
  const value = Either.getOrUndefined(Either.try((): unknown => JSON.parse(text)))
  return isObject(value) ? value : undefined
}

/** The text from each line on that begins an object, to the last brace. */
const tails = (text: string): ReadonlyArray<string> => {
  const whole = text.slice(0, text.lastIndexOf("}") + 1)
  const starts = [...whole.matchAll(/^\{/gm)].slice(0, mostStarts)
  return starts.map(({ index }) => whole.slice(index))
}

/**
 * The objects in what a tool printed: all of it, or one each line, or what begins after lines of something else.
 *
 * @internal
 */
export const objectsIn = (stdout: string): ReadonlyArray<Printed> => {
  const text = stdout.replace(/^\ufeff/, "").trim()
  const whole = objectIn(text)
  if (whole !== undefined) return [whole]
  const pieces = [...text.split(/\r?\n/).filter((line) => line.startsWith("{")), ...tails(text)]
  return pieces.map(objectIn).filter((object) => object !== undefined)
}

/** What can stand in a header, and in JSON as it is. */
const tokenPattern = /^[\x21\x23-\x5b\x5d-\x7e]+$/

const responseOf = (accessToken: string, expiresOn: number): TokenResponse => ({
  access_token: Redacted.make(accessToken),
  token_type: "Bearer",
  expires_on: expiresOn,
  expires_in: undefined,
  ext_expires_in: undefined,
  refresh_in: undefined,
  scope: undefined,
  refresh_token: undefined,
  refresh_token_expires_in: undefined,
  id_token: undefined,
  client_info: undefined,
  foci: undefined
})

/**
 * The token in what a tool printed, or what is wrong with that, in words that hold nothing of it.
 *
 * @internal
 */
export const readAnswer = (stdout: string, form: Form): Either.Either<TokenResponse, string> => {
  const objects = objectsIn(stdout)
  if (objects.length === 0) return Either.left("its answer is not JSON")
  for (const printed of objects) {
    const token = printed[form.token]
    if (typeof token !== "string" || !tokenPattern.test(token)) continue
    const expiresOn = form.expiresOn(printed)
    return expiresOn === undefined
      ? Either.left("its answer does not say when the token expires")
      : Either.right(responseOf(token, expiresOn))
  }
  return Either.left("its answer holds no token")
}
