/** What a request is about, in words that the directory knows: nothing of it is a secret, a code or a token. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { JWTPayload } from "jose"
import type { Facts } from "./asked.js"
import * as Browser from "./browser.js"
import * as ClientProof from "./clientProof.js"
import { type Api, type App, identitiesOf, same, type User } from "./directory.js"
import { paths } from "./identityEnvironment.js"
import { parse } from "./jwt.js"
import type { World } from "./world.js"

export type Kind = "token" | "sign-in" | "api" | "identity" | "metadata" | "other"

export interface Subject {
  readonly kind: Kind
  /** The grant, the API's method, or the host of a managed identity. */
  readonly what: string
  readonly client: { readonly id: string; readonly name: string } | undefined
  /** The name of a person in the directory. */
  readonly user: string | undefined
  readonly scope: string | undefined
  /** Whether it brings what a claims challenge asked for. */
  readonly hasClaims: boolean
  /** The same for who asks the same again. */
  readonly key: string
}

const longest = 300

const shortened = (text: string | null | undefined): string | undefined => text?.slice(0, longest) || undefined

const grants: ReadonlyMap<string, string> = new Map([
  ["client_credentials", "client credentials"],
  ["authorization_code", "authorization code"],
  ["refresh_token", "refresh token"],
  ["urn:ietf:params:oauth:grant-type:jwt-bearer", "on behalf of"],
  ["urn:ietf:params:oauth:grant-type:device_code", "device code"],
  ["device_code", "device code"]
])

const hosts: ReadonlyMap<string, string> = new Map([
  [paths.imds, "virtual machine"],
  [paths.appService, "App Service"],
  [paths.appServiceLegacy, "App Service (2017)"],
  [paths.azureArc, "Azure Arc"],
  [paths.serviceFabric, "Service Fabric"],
  [paths.azureMl, "Machine Learning"],
  [paths.cloudShell, "Cloud Shell"]
])

const kindOf = (path: string): Kind => {
  if (hosts.has(path) || path.startsWith("/metadata/")) return "identity"
  if (path.startsWith("/api/")) return "api"
  if (path.endsWith("/token")) return "token"
  if (/\/(?:authorize|logout|devicecode|deviceauth|devicelogin)$/.test(path)) return "sign-in"
  return /\/(?:openid-configuration|keys|instance)$/.test(path) ? "metadata" : "other"
}

const everywhere = ({ directory: { tenants, adfs } }: World) => (adfs === undefined ? tenants : [...tenants, adfs])

const appsOf = (world: World): ReadonlyArray<App> => everywhere(world).flatMap(({ apps }) => apps)
const apisOf = (world: World): ReadonlyArray<Api> => everywhere(world).flatMap(({ apis }) => apis)
const usersOf = (world: World): ReadonlyArray<User> => everywhere(world).flatMap(({ users = [] }) => users)

const bearerOf = ({ request }: Facts): JWTPayload | undefined =>
  parse(/^bearer +(.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "")?.claims

/** A token is believed as it stands: this only says whose it claims to be, by a name that the directory has. */
const personOf = (world: World, claims: JWTPayload | undefined): string | undefined =>
  usersOf(world).find(({ objectId, username }) =>
    [claims?.oid, claims?.upn, claims?.preferred_username].some(
      (value) => typeof value === "string" && (same(value, objectId) || same(value, username))
    )
  )?.username

const userOf = (world: World, facts: Facts, kind: Kind): string | undefined => {
  const { form } = facts
  if (kind === "api") return personOf(world, bearerOf(facts))
  if (kind === "sign-in") return Browser.sessionOf(world, facts)?.username
  if (kind !== "token") return undefined
  const { codes, devices, refreshTokens } = world.memory
  const { grant } = refreshTokens.get(form.get("refresh_token") ?? "") ?? codes.get(form.get("code") ?? "") ?? {}
  const device = devices.get(form.get("device_code") ?? "")?.answer
  const ofDevice = device === undefined || device === "declined" ? undefined : device
  return (grant ?? ofDevice)?.username ?? personOf(world, parse(form.get("assertion") ?? "")?.claims)
}

const identityOf = (world: World, values: Iterable<string>) => {
  const named = [...values].filter((value) => value !== "")
  return (
    identitiesOf(world.directory).find((identity) =>
      [identity.clientId, identity.objectId, identity.resourceId].some((name) => named.some((it) => same(it, name)))
    ) ?? world.directory.machine?.systemAssigned
  )
}

const clientIdOf = (facts: Facts, kind: Kind): Effect.Effect<string | undefined> => {
  if (kind === "api") {
    const { azp, appid } = bearerOf(facts) ?? {}
    const id = azp ?? appid
    return Effect.succeed(typeof id === "string" ? id : undefined)
  }
  const named = facts.form.get("client_id") ?? facts.url.searchParams.get("client_id") ?? undefined
  return ClientProof.credentialsOf(facts.form, facts.request.headers.authorization).pipe(
    Effect.option,
    Effect.map((credentials) => Option.getOrUndefined(credentials)?.clientId ?? named)
  )
}

const clientOf = (world: World, facts: Facts, kind: Kind): Effect.Effect<Subject["client"]> =>
  Effect.gen(function* () {
    if (kind === "identity") {
      const identity = identityOf(world, [...facts.url.searchParams.values(), ...facts.form.values()])
      return identity === undefined
        ? undefined
        : { id: identity.clientId, name: identity.resourceId.slice(identity.resourceId.lastIndexOf("/") + 1) }
    }
    const id = shortened(yield* clientIdOf(facts, kind))
    if (id === undefined) return undefined
    const identity = identitiesOf(world.directory).find(({ clientId }) => same(clientId, id))
    const app = appsOf(world).find(({ clientId }) => same(clientId, id))
    return { id, name: app?.displayName ?? (identity === undefined ? id : "managed identity") }
  })

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const scopeOf = (world: World, { form, url }: Facts, kind: Kind): string | undefined => {
  if (kind === "api") {
    const appId = decoded(url.pathname.split("/")[2] ?? "")
    return apisOf(world).find((api) => same(api.appId, appId))?.identifierUri ?? shortened(appId)
  }
  const parameters = (name: string) => form.get(name) ?? url.searchParams.get(name)
  return shortened(kind === "identity" ? parameters("resource") : (parameters("scope") ?? parameters("resource")))
}

const whatOf = ({ form, request, url }: Facts, kind: Kind): string => {
  if (kind === "identity") return hosts.get(url.pathname) ?? "instance metadata"
  if (kind !== "token") return kind === "sign-in" ? (url.pathname.split("/").at(-1) ?? "") : request.method
  const grantType = form.get("grant_type") ?? ""
  return grants.get(grantType) ?? shortened(grantType) ?? "no grant"
}

export const of = (world: World, facts: Facts): Effect.Effect<Subject> =>
  Effect.gen(function* () {
    const { form, request, url } = facts
    const kind = kindOf(url.pathname)
    const what = whatOf(facts, kind)
    const client = yield* clientOf(world, facts, kind)
    const user = userOf(world, facts, kind)
    const scope = scopeOf(world, facts, kind)
    const hasClaims = ["claims", "token_sha256_to_refresh"].some((name) => form.has(name) || url.searchParams.has(name))
    const key = JSON.stringify([request.method, url.pathname, what, client?.id.toLowerCase(), user, scope])
    return { kind, what, client, user, scope, hasClaims, key }
  })
