import { FastCheck as fc } from "effect"
import type { Json } from "./msalDocuments.js"

export const now = Date.UTC(2026, 0, 2, 3, 4, 5)

export const seconds = (millis: number) => String(Math.floor(millis / 1000))

export const ours = {
  clientId: "our-client",
  environments: ["login.windows.net", "login.microsoftonline.com"]
} as const

export const uid = "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb"
export const utid = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
export const guestTenant = "bbbbcccc-1111-dddd-2222-eeee3333ffff"
export const home = `${uid}.${utid}`

/** A token of the app as msal-node writes it. */
export const accessToken = {
  home_account_id: "",
  environment: "login.windows.net",
  credential_type: "AccessToken",
  client_id: ours.clientId,
  secret: "a token",
  realm: utid,
  target: "api://x/.default",
  cached_at: seconds(now - 60_000),
  expires_on: seconds(now + 3_600_000),
  extended_expires_on: seconds(now + 3_600_000),
  token_type: "Bearer"
}

export const account = {
  home_account_id: home,
  environment: "login.windows.net",
  realm: utid,
  local_account_id: uid,
  username: "ann@contoso.com",
  authority_type: "MSSTS",
  name: "Ann"
}

export const refreshToken = {
  home_account_id: home,
  environment: "login.windows.net",
  credential_type: "RefreshToken",
  client_id: ours.clientId,
  secret: "a refresh token"
}

export const idToken = (claims: Json, realm: string = utid) => ({
  home_account_id: home,
  environment: "login.windows.net",
  credential_type: "IdToken",
  client_id: ours.clientId,
  secret: `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.e30`,
  realm
})

/** Text that a field may hold, and what is no text at all. */
const oneOf = (...values: ReadonlyArray<unknown>) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) }
  )

/** Entities of ours, of others, and of nobody; some fields are missing, and some are of the wrong type. */
export const anyEntity: fc.Arbitrary<Json> = fc
  .record(
    {
      home_account_id: oneOf("", home, "another"),
      environment: oneOf(...ours.environments, "login.microsoftonline.us"),
      credential_type: oneOf("AccessToken", "RefreshToken", "IdToken", "AccessToken_With_AuthScheme"),
      client_id: oneOf(ours.clientId, "another-client"),
      secret: oneOf("s1", "s2"),
      realm: oneOf(utid, guestTenant),
      target: oneOf("api://x/.default", "api://x/.default api://x/more", "openid profile", ""),
      expires_on: oneOf(seconds(now + 7_200_000), Number(seconds(now + 60_000)), seconds(now - 1)),
      token_type: oneOf("Bearer", "pop"),
      userAssertionHash: oneOf("", "a hash"),
      family_id: oneOf("1", ""),
      local_account_id: oneOf(uid),
      tenantProfiles: oneOf([JSON.stringify({ tenantId: utid, localAccountId: uid })], ["{"]),
      additionalCacheKeyComponents: oneOf({}, { fmi_path: "a" }),
      unknown: fc.jsonValue({ maxDepth: 2 })
    },
    { requiredKeys: [] }
  )
  .map((fields) => Object.fromEntries(Object.entries(fields)))

const key = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("__proto__", "constructor", "toString", "1"))

/** A section as entries, so that a key `__proto__` is one. */
const section = fc
  .array(fc.tuple(key, fc.oneof({ weight: 9, arbitrary: anyEntity }, fc.jsonValue({ maxDepth: 1 }))), { maxLength: 12 })
  .map((entries) => Object.fromEntries(entries))

/** A document as JSON: sections may be missing, and there are others. */
export const anyDocument: fc.Arbitrary<Json> = fc
  .tuple(
    fc.record(
      { Account: section, IdToken: section, AccessToken: section, RefreshToken: section, AppMetadata: section },
      { requiredKeys: [] }
    ),
    fc.dictionary(
      fc.string().filter((name) => !/^(Account|IdToken|AccessToken|RefreshToken|AppMetadata)$/.test(name)),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 3 }
    )
  )
  .map(([known, others]) => JSON.parse(JSON.stringify({ ...others, ...known })))
