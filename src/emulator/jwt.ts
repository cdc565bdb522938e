/** A JSON Web Token as it is written, before anything of it is proven. */
import * as Jose from "jose"

/**
 * The header and the claims of a client assertion, as they came and unproven; without its signature, nobody can use them
 * to sign in.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordedAssertion {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

export const parse = (token: string): RecordedAssertion | undefined => {
  try {
    return { header: Jose.decodeProtectedHeader(token), claims: Jose.decodeJwt(token) }
  } catch {
    return undefined
  }
}
