/** Who asks: the credentials of a token request, and whether they prove the application. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import * as ClientAssertion from "./clientAssertion.js"
import { type App, findApp, type Tenant } from "./directory.js"
import { required } from "./parameters.js"
import type { Proof, Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

export interface Credentials {
  readonly clientId: string
  readonly secret: string | undefined
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

export const credentialsOf = (form: URLSearchParams, authorization: string | undefined): Checked<Credentials> =>
  authorization === undefined
    ? Effect.map(required(form, "client_id"), (clientId) => ({
        clientId,
        secret: form.get("client_secret") ?? undefined
      }))
    : basicCredentials(authorization)

export const appNamed = (tenant: Tenant, clientId: string): Checked<App> => {
  const app = findApp(tenant, clientId)
  return app === undefined ? Effect.fail(Refusals.unknownApp(clientId, tenant.id)) : Effect.succeed(app)
}

/** An application of a realm: at the endpoints for everybody, the first tenant that knows it speaks for the others. */
export const appOf = (realm: Realm, clientId: string): Checked<App> => {
  const found = realm.tenants.map((tenant) => findApp(tenant, clientId)).find((app) => app !== undefined)
  return found === undefined
    ? Effect.fail(Refusals.unknownApp(clientId, realm.tenants[0]?.id ?? ""))
    : Effect.succeed(found)
}

/** Any secret of the application serves, as long as it has not expired. */
const checkSecret = (app: App, given: string | undefined, now: number): Checked<void> => {
  if (given === undefined || given === "") return Effect.fail(Refusals.noCredential)
  const secrets = app.secrets.filter((secret) => Redacted.value(secret.value) === given)
  if (secrets.length === 0) return Effect.fail(Refusals.wrongSecret(app.clientId))
  const valid = secrets.some(({ expiresAt }) => expiresAt === undefined || DateTime.toEpochMillis(expiresAt) > now)
  return valid ? Effect.void : Effect.fail(Refusals.expiredSecret(app.clientId))
}

/** A confidential application proves itself in every request, a public one in none. */
export const prove = (
  world: World,
  { manners }: Realm,
  app: App,
  secret: string | undefined
): Effect.Effect<Proof, Refusal, Asked> =>
  Effect.gen(function* () {
    const { form } = yield* Asked
    const assertion = form.get("client_assertion") ?? ""
    const hasSecret = secret !== undefined && secret !== ""
    if (app.isPublic === true) {
      if (hasSecret || assertion !== "") return yield* Refusals.publicWithCredential
      return "0"
    }
    if (assertion === "") {
      yield* checkSecret(app, secret, yield* world.now)
      return "1"
    }
    if (hasSecret) return yield* Refusals.twoCredentials
    const type = yield* required(form, "client_assertion_type")
    if (type !== ClientAssertion.assertionType) return yield* Refusals.unexpectedAssertionType
    yield* ClientAssertion.check(world, app, assertion, manners.assertions)
    return "2"
  })

export interface Caller {
  readonly app: App
  readonly proof: Proof
}

/** The application that asks for a person's tokens. */
export const caller = (world: World, realm: Realm): Effect.Effect<Caller, Refusal, Asked> =>
  Effect.gen(function* () {
    const { form, request } = yield* Asked
    const { clientId, secret } = yield* credentialsOf(form, request.headers.authorization)
    const app = yield* appOf(realm, clientId)
    return { app, proof: yield* prove(world, realm, app, secret) }
  })
