/**
 * The keys under which msal-node keeps entities (its `CacheHelpers.generateCredentialKey`). Other MSALs leave out the last
 * hyphens, and all find entities by their fields: a key only says what is replaced.
 */
const joined = (...parts: ReadonlyArray<string>): string => parts.join("-").toLowerCase()

/** Of a credential: whose, where, what, the client or its family, realm, scopes, and the scheme, which Bearer has none of. */
interface CredentialParts {
  readonly homeAccountId: string
  readonly environment: string
  /** The client; of a family's refresh token the family. */
  readonly owner: string
  readonly realm: string
  readonly target: string
}

const credentialKey = (type: string, parts: CredentialParts): string =>
  joined(parts.homeAccountId, parts.environment, type, parts.owner, parts.realm, parts.target, "")

/** @internal */
export const accessTokenKey = (parts: CredentialParts): string => credentialKey("AccessToken", parts)

/** @internal */
export const idTokenKey = (parts: Omit<CredentialParts, "target">): string =>
  credentialKey("IdToken", { ...parts, target: "" })

/** @internal */
export const refreshTokenKey = (parts: Omit<CredentialParts, "realm" | "target">): string =>
  credentialKey("RefreshToken", { ...parts, realm: "", target: "" })

/**
 * The home tenant stands in it, even where the account was met as a guest; any dot ends it, as it does for msal-node.
 *
 * @internal
 */
export const accountKey = (homeAccountId: string, environment: string, realm: string): string =>
  joined(homeAccountId, environment, homeAccountId.split(".")[1] || realm)

/** @internal */
export const appMetadataKey = (environment: string, clientId: string): string =>
  joined("appmetadata", environment, clientId)
