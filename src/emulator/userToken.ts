/** A person's token without a browser, for tests of what gets such tokens. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Chance from "./chance.js"
import { type App, findApi, findApp, findTenant, findUser, homeOf, type Requirement, type Tenant } from "./directory.js"
import * as Entra from "./entra.js"
import type { Json } from "./Fault.js"
import * as Locations from "./locations.js"
import type { Grant } from "./memory.js"
import type { Proof, Realm } from "./realm.js"
import { seconds } from "./seconds.js"
import { pairwise } from "./userTokens.js"
import type { World } from "./world.js"

/**
 * What token to make: by default an access token for `api` (identifier URI or application id) with `scopes` (names, all
 * of the API's unless given), as the first public application of the tenant would have got it for the user. The tenant is
 * the first that knows the user. With `kind` it is the id token of the application `api`, or a token of `clientId` itself
 * without a user. `claims` are added to it, and win; `satisfies` is what the sign-in proved.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserTokenOptions {
  readonly username: string
  readonly api: string
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly clientId?: string | undefined
  readonly tenantId?: string | undefined
  readonly origin?: string | undefined
  readonly lifetime?: Duration.DurationInput | undefined
  readonly claims?: Readonly<Record<string, Json>> | undefined
  readonly satisfies?: ReadonlyArray<Requirement> | undefined
  readonly kind?: "access" | "id" | "app" | undefined
}

const identity = ["openid", "profile"]

/** Nothing of it can be asked wrongly but by the program: what does not exist is a defect. */
const found = <A>(what: string, value: A | undefined): Effect.Effect<A> =>
  value === undefined ? Effect.dieMessage(`The emulator's directory has no ${what}.`) : Effect.succeed(value)

const tenantOf = (world: World, { tenantId, username }: UserTokenOptions): Tenant | undefined =>
  tenantId === undefined
    ? world.directory.tenants.find((tenant) => findUser(tenant, username) !== undefined)
    : findTenant(world.directory, tenantId)

const clientOf = ({ apps }: Tenant): App | undefined => apps.find(({ isPublic }) => isPublic === true) ?? apps[0]

export const make = (world: World, options: UserTokenOptions): Effect.Effect<Redacted.Redacted> =>
  Effect.gen(function* () {
    const {
      username,
      clientId,
      kind = "access",
      origin = "https://login.microsoftonline.com",
      satisfies = []
    } = options
    const tenant = yield* found(`tenant for ${username}`, tenantOf(world, options))
    const user = yield* found(`user ${username}`, findUser(tenant, username))
    const api = yield* found(`API ${options.api}`, findApi(tenant, options.api))
    const client = clientId === undefined ? clientOf(tenant) : findApp(tenant, clientId)
    const app = yield* found(`application ${clientId ?? ""}`, kind === "id" ? findApp(tenant, api.appId) : client)
    const millis = yield* world.now
    const now = Math.floor(millis / 1000)
    const lifetime = options.lifetime === undefined ? world.tokenLifetime : Duration.decode(options.lifetime)
    const realm: Realm = {
      tenants: [tenant],
      global: undefined,
      userFlow: undefined,
      key: "entra",
      manners: Entra.manners
    }
    const proof: Proof = app.isPublic === true ? "0" : "1"
    const uti = yield* Chance.uti
    const facts = { origin, realm, tenant, app, now, expires: now + seconds(lifetime), uti, capabilities: [], api }
    const proofs = new Set(satisfies.map((each) => (typeof each === "string" ? each : each.authenticationContext)))
    const person = {
      ...facts,
      proof,
      user,
      home: homeOf(world.directory, tenant, user),
      proofs,
      authTime: now,
      identity,
      subject: yield* pairwise(user, api.appId)
    }
    const claims = {
      access: () => Entra.manners.accessClaims({ ...person, granted: options.scopes ?? api.scopes ?? [] }),
      id: () => Entra.manners.idClaims({ ...person, nonce: undefined, wantsAuthTime: false }),
      app: () => Entra.manners.appClaims({ ...facts, proof: "1" })
    }[kind]()
    const grant: Grant = {
      realm: realm.key,
      clientId: app.clientId,
      tenantId: tenant.id,
      username: user.username,
      proofs,
      scope: "",
      authTime: millis,
      issuedAt: millis,
      revokedAt: undefined
    }
    if (kind === "app") world.memory.appTokens.set(uti, { clientId: app.clientId, revokedAt: undefined })
    else world.memory.accessTokens.set(uti, { grant, address: Locations.of(world.memory, user.username).address })
    return Redacted.make(yield* world.key.sign({ ...claims, ...options.claims }))
  })
