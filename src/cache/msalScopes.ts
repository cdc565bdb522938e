/** What OpenID Connect knows by itself; no resource grants it, and not all servers repeat it. */
const openId: ReadonlySet<string> = new Set(["openid", "profile", "offline_access", "email"])

/** Whatever the server granted, `.default` asked for just that; not all servers repeat it. */
const isDefault = (scope: string): boolean => scope.endsWith("/.default")

const folded = (scopes: ReadonlyArray<string>): ReadonlyArray<string> => scopes.map((scope) => scope.toLowerCase())

/**
 * Scopes as MSAL compares them: without case, and without those of OpenID Connect unless there are no others.
 *
 * @internal
 */
export const comparable = (scopes: ReadonlyArray<string>): ReadonlySet<string> => {
  const all = folded(scopes)
  const ofResource = all.filter((scope) => !openId.has(scope))
  return new Set(ofResource.length > 0 ? ofResource : all.filter((scope) => scope !== "offline_access"))
}

/** @internal */
export const scopesOf = (target: string): ReadonlyArray<string> => target.split(" ").filter((scope) => scope !== "")

/**
 * What a token is for: what was granted, and `.default` if that was asked for.
 *
 * @internal
 */
export const targetOf = (granted: ReadonlyArray<string>, asked: ReadonlyArray<string>): string => {
  const known = new Set(folded(granted))
  const defaults = asked.filter((scope) => isDefault(scope) && !known.has(scope.toLowerCase()))
  return (granted.length > 0 ? [...granted, ...defaults] : asked).join(" ")
}
