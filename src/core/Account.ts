/**
 * A user who has signed in, as the authority names them.
 *
 * @since 0.1.0
 */

import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { jwtClaims } from "./jwtClaims.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Fields {
  /** Names the user everywhere: `{oid}.{tid}` of the home tenant at Entra (`client_info`), `sub` elsewhere. */
  readonly homeAccountId: string
  /** The user's object id in `tenantId`; a guest has another one there than at home. */
  readonly localAccountId: string
  /** The tenant that was signed in to; empty where the authority knows no tenants. */
  readonly tenantId: string
  /** For people: it changes hands, so no program decides by it. */
  readonly username: string | undefined
  readonly name: string | undefined
  /** What the id token claims. */
  readonly idTokenClaims: Readonly<Record<string, unknown>>
}

/**
 * A user who has signed in. Printing it shows the ids alone, nothing personal.
 *
 * @since 0.1.0
 * @category models
 */
export class Account extends Inspectable.Class implements Fields {
  readonly homeAccountId: string
  readonly localAccountId: string
  readonly tenantId: string
  readonly username: string | undefined
  readonly name: string | undefined
  readonly idTokenClaims: Readonly<Record<string, unknown>>

  constructor(fields: Fields) {
    super()
    this.homeAccountId = fields.homeAccountId
    this.localAccountId = fields.localAccountId
    this.tenantId = fields.tenantId
    this.username = fields.username
    this.name = fields.name
    this.idTokenClaims = fields.idTokenClaims
  }

  toJSON(): unknown {
    const { homeAccountId, localAccountId, tenantId } = this
    return { _id: "Account", homeAccountId, localAccountId, tenantId }
  }
}

const Part = Schema.NonEmptyString.pipe(Schema.maxLength(256))
const ClientInfo = Schema.parseJson(Schema.Struct({ uid: Part, utid: Part }))
const decodeClientInfo = Schema.decodeUnknownOption(ClientInfo)

/**
 * The home account id in a `client_info`.
 *
 * @internal
 */
export const homeAccountIdOf = (clientInfo: string | undefined): string | undefined =>
  clientInfo === undefined
    ? undefined
    : Encoding.decodeBase64UrlString(clientInfo).pipe(
        Either.getOrUndefined,
        decodeClientInfo,
        Option.map(({ uid, utid }) => `${uid}.${utid}`),
        Option.getOrUndefined
      )

const Claims = Schema.Struct({
  sub: Schema.optional(Part),
  oid: Schema.optional(Part),
  tid: Schema.optional(Part),
  preferred_username: Schema.optional(Schema.String),
  upn: Schema.optional(Schema.String),
  name: Schema.optional(Schema.String)
})
const decodeClaims = Schema.decodeUnknownOption(Claims)

/**
 * The account that a token response tells of, by its `client_info` and its id token; absent where both are silent.
 *
 * @internal
 */
export const fromResponse = (response: {
  readonly clientInfo: string | undefined
  readonly idToken: string | undefined
}): Account | undefined => {
  const idTokenClaims = response.idToken === undefined ? {} : (jwtClaims(response.idToken) ?? {})
  const claims = Option.getOrElse(decodeClaims(idTokenClaims), () => Claims.make({}))
  const localAccountId = claims.oid ?? claims.sub
  const homeAccountId = homeAccountIdOf(response.clientInfo) ?? localAccountId
  return homeAccountId === undefined
    ? undefined
    : new Account({
        homeAccountId,
        localAccountId: localAccountId ?? homeAccountId.split(".")[0] ?? homeAccountId,
        tenantId: claims.tid ?? "",
        username: claims.preferred_username ?? claims.upn,
        name: claims.name,
        idTokenClaims
      })
}
