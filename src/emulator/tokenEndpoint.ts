/** `POST /{tenant}/oauth2/v2.0/token`: who asks, for what, and the token or Entra's refusal. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as Chance from "./chance.js"
import * as ClientAssertion from "./clientAssertion.js"
import { type Api, type App, findApi, findApp, findTenant, type Tenant } from "./directory.js"
import * as Faults from "./faults.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

type Checked<A> = Effect.Effect<A, Answers.Refusal>

interface Credentials {
  readonly clientId: string
  readonly secret: string | undefined
}

const required = (form: URLSearchParams, name: string): Checked<string> => {
  const value = form.get(name)
  return value === null || value === "" ? Effect.fail(Refusals.missingParameter(name)) : Effect.succeed(value)
}

const onceEach = (form: URLSearchParams): Checked<void> => {
  const names = [...form.keys()]
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  return repeated === undefined ? Effect.void : Effect.fail(Refusals.repeatedParameter(repeated))
}

const globalTenants = ["common", "organizations", "consumers"]

/** An application belongs to a tenant: the endpoints for everybody have none to take it from. */
const tenantNamed = (world: World, name: string): Checked<Tenant> => {
  const global = globalTenants.find((tenant) => tenant === name.toLowerCase())
  if (global === "organizations") return Effect.fail(Refusals.noTenantInformation)
  if (global !== undefined) return Effect.fail(Refusals.tenantNeeded)
  const tenant = findTenant(world.directory, name)
  return tenant === undefined ? Effect.fail(Refusals.unknownTenant(name, "invalid_request")) : Effect.succeed(tenant)
}

/** Each half is encoded as in a form before it is joined (RFC 6749 2.3.1). */
const formDecode = (text: string) =>
  new URLSearchParams(`v=${text.replace(/[&;]/g, encodeURIComponent)}`).get("v") ?? ""

const basicPattern = /^basic +([A-Za-z0-9+/]+=*)$/i

const basicCredentials = (authorization: string): Checked<Credentials> =>
  Effect.try({
    try: () => atob(basicPattern.exec(authorization)?.[1] ?? ""),
    catch: () => Refusals.noCredential
  }).pipe(
    Effect.filterOrFail(
      (pair) => pair.includes(":"),
      () => Refusals.noCredential
    ),
    Effect.map((pair) => {
      const colon = pair.indexOf(":")
      return { clientId: formDecode(pair.slice(0, colon)), secret: formDecode(pair.slice(colon + 1)) }
    })
  )

const credentialsOf = (form: URLSearchParams, authorization: string | undefined): Checked<Credentials> =>
  authorization === undefined
    ? Effect.map(required(form, "client_id"), (clientId) => ({
        clientId,
        secret: form.get("client_secret") ?? undefined
      }))
    : basicCredentials(authorization)

const appNamed = (tenant: Tenant, clientId: string): Checked<App> => {
  const app = findApp(tenant, clientId)
  return app === undefined ? Effect.fail(Refusals.unknownApp(clientId, tenant.id)) : Effect.succeed(app)
}

/** Any secret of the application serves, as long as it has not expired. */
const checkSecret = (app: App, given: string | undefined, now: number): Checked<void> => {
  if (given === undefined || given === "") return Effect.fail(Refusals.noCredential)
  const secrets = app.secrets.filter((secret) => Redacted.value(secret.value) === given)
  if (secrets.length === 0) return Effect.fail(Refusals.wrongSecret(app.clientId))
  const valid = secrets.some(({ expiresAt }) => expiresAt === undefined || DateTime.toEpochMillis(expiresAt) > now)
  return valid ? Effect.void : Effect.fail(Refusals.expiredSecret(app.clientId))
}

/** How the application proved itself, in the words of `azpacr`: "1" by its secret, "2" by a client assertion. */
type Proof = "1" | "2"

const prove = (
  world: World,
  form: URLSearchParams,
  app: App,
  secret: string | undefined
): Effect.Effect<Proof, Answers.Refusal, Asked> =>
  Effect.gen(function* () {
    const assertion = form.get("client_assertion") ?? ""
    if (assertion === "") {
      yield* checkSecret(app, secret, yield* world.now)
      return "1"
    }
    if (secret !== undefined && secret !== "") return yield* Refusals.twoCredentials
    const type = yield* required(form, "client_assertion_type")
    if (type !== ClientAssertion.assertionType) return yield* Refusals.unexpectedAssertionType
    yield* ClientAssertion.check(world, app, assertion)
    return "2"
  })

const suffix = "/.default"

const isResource = (name: string) => URL.canParse(name) || /^[0-9a-f-]{36}$/i.test(name)

/** One resource, by its `/.default` (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow). */
const apiScoped = (tenant: Tenant, scope: string): Checked<Api> => {
  const scopes = [...new Set(scope.split(" ").filter((part) => part !== ""))]
  const resources = scopes.map((part) => (part.endsWith(suffix) ? part.slice(0, -suffix.length) : undefined))
  const [resource] = resources
  if (scopes.length === 0) return Effect.fail(Refusals.badScope(scope))
  if (resource === undefined || resources.includes(undefined)) return Effect.fail(Refusals.notDefaultScope(scope))
  if (resources.length > 1) return Effect.fail(Refusals.twoResources(scope))
  if (!isResource(resource)) return Effect.fail(Refusals.badScope(scope))
  const api = findApi(tenant, resource)
  return api === undefined ? Effect.fail(Refusals.unknownResource(resource, tenant.id)) : Effect.succeed(api)
}

const ClaimsRequest = Schema.parseJson(
  Schema.Struct({
    access_token: Schema.optional(
      Schema.NullOr(
        Schema.Struct({
          xms_cc: Schema.optional(Schema.Struct({ values: Schema.optional(Schema.Array(Schema.String)) }))
        })
      )
    )
  })
)

const decodeClaims = Schema.decodeUnknown(ClaimsRequest)

/** The capabilities that the client declares (https://learn.microsoft.com/entra/identity-platform/claims-challenge). */
const capabilitiesOf = (form: URLSearchParams): Checked<ReadonlyArray<string>> =>
  decodeClaims(form.get("claims") || "{}").pipe(
    Effect.mapError(() => Refusals.malformed),
    Effect.map(({ access_token }) => access_token?.xms_cc?.values ?? []),
    Effect.map((values) => values.map((value) => value.toLowerCase()).filter((value) => value === "cp1"))
  )

interface Grant {
  readonly tenant: Tenant
  readonly app: App
  readonly api: Api
  readonly capabilities: ReadonlyArray<string>
  readonly proof: Proof
}

/** The checks in one order; which of two faults Entra names first is not documented. */
const check = (world: World, tenantName: string): Effect.Effect<Grant, Answers.Refusal, Asked> =>
  Effect.gen(function* () {
    const { request, form, tooLarge } = yield* Asked
    if (request.method !== "POST") return yield* Refusals.wrongMethod(request.method)
    if (tooLarge) return yield* Refusals.tooLarge
    yield* onceEach(form)
    const grantType = yield* required(form, "grant_type")
    if (grantType !== "client_credentials") return yield* Refusals.unsupportedGrant(grantType)
    const tenant = yield* tenantNamed(world, tenantName)
    const credentials = yield* credentialsOf(form, request.headers.authorization)
    const scope = yield* required(form, "scope")
    const app = yield* appNamed(tenant, credentials.clientId)
    const proof = yield* prove(world, form, app, credentials.secret)
    const api = yield* apiScoped(tenant, scope)
    return { tenant, app, api, capabilities: yield* capabilitiesOf(form), proof }
  })

const mint = (world: World, { tenant, app, api, capabilities, proof }: Grant): Effect.Effect<string, never, Asked> =>
  Effect.gen(function* () {
    const { url } = yield* Asked
    const now = Math.floor((yield* world.now) / 1000)
    const roles = app.roles?.[api.identifierUri] ?? []
    return yield* world.key.sign({
      aud: api.appId,
      iss: `${url.origin}/${tenant.id}/v2.0`,
      iat: now,
      nbf: now,
      exp: now + seconds(world.tokenLifetime),
      appid: app.clientId,
      azp: app.clientId,
      azpacr: proof,
      idtyp: "app",
      oid: app.objectId,
      ...(roles.length === 0 ? undefined : { roles }),
      sub: app.objectId,
      tid: tenant.id,
      uti: yield* Chance.uti,
      ver: "2.0",
      ...(capabilities.length === 0 ? undefined : { xms_cc: capabilities }),
      emulator: "effect-entra"
    })
  })

const seconds = (duration: Duration.Duration) => Math.floor(Duration.toSeconds(duration))

/** No `scope` for an application's token; `refresh_in` only when it was asked for. */
const grant = (world: World, tenantName: string) =>
  Effect.gen(function* () {
    const granted = yield* check(world, tenantName)
    const expiresIn = seconds(world.tokenLifetime)
    const members = {
      token_type: "Bearer",
      expires_in: expiresIn,
      ext_expires_in: expiresIn,
      ...(world.refreshIn === undefined ? undefined : { refresh_in: seconds(world.refreshIn) }),
      access_token: yield* mint(world, granted)
    }
    return yield* Answers.json(world, 200, members, ["ext_expires_in"])
  })

/** The next scripted fault, or else the normal answer. */
export const answer = (
  world: World,
  tenantName: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.gen(function* () {
    const { entry } = yield* Asked
    const normal = Effect.catchAll(grant(world, tenantName), (refusal) => Answers.refuse(world, refusal))
    const fault = yield* world.nextFault
    if (fault === undefined) return yield* normal
    entry.fault = Faults.finalTag(fault)
    return yield* Faults.play(world, fault, normal)
  })
