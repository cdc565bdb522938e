/** What the buttons of the inspector do. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Consents from "./consents.js"
import { findApi, findApp, findUser, type Tenant } from "./directory.js"
import * as Events from "./events.js"
import * as Fault from "./Fault.js"
import * as FaultQueue from "./faultQueue.js"
import type { World } from "./world.js"

/** What was asked can't be done, and why, for who asked. */
export class Declined extends Data.TaggedError("Declined")<{ readonly reason: string }> {}

export type Action = (world: World, input: unknown) => Effect.Effect<void, Declined>

const endpoints = ["token", "api", "identity"] as const

const Endpoint = Schema.Literal(...endpoints)

/** A form has strings for numbers. */
const WholeNumber = (least: number, most: number) =>
  Schema.Union(Schema.Number, Schema.NumberFromString).pipe(Schema.int(), Schema.between(least, most))

const YesOrNo = Schema.Union(Schema.Boolean, Schema.BooleanFromString)

const day = 86_400

const tenantsOf = ({ directory: { adfs, tenants } }: World): ReadonlyArray<Tenant> =>
  adfs === undefined ? tenants : [...tenants, { id: "adfs", domains: [], ...adfs }]

const unless = (isKnown: boolean, what: string): Effect.Effect<void, Declined> =>
  isKnown ? Effect.void : new Declined({ reason: `The directory has no such ${what}.` })

const isUser = (world: World, username: string): boolean =>
  tenantsOf(world).some((tenant) => findUser(tenant, username) !== undefined)

const hasApi = (world: World, name: string): boolean =>
  tenantsOf(world).some((tenant) => findApi(tenant, name) !== undefined)

const action =
  <A, I>(schema: Schema.Schema<A, I>, run: (world: World, input: A) => Effect.Effect<void, Declined>): Action =>
  (world, input) =>
    Schema.decodeUnknown(schema)(input).pipe(
      // Without the input, which may hold anything.
      Effect.mapError(() => new Declined({ reason: "The fields of this action are missing or out of range." })),
      Effect.flatMap((decoded) => run(world, decoded))
    )

const throttle = action(
  Schema.Struct({
    endpoint: Endpoint,
    count: Schema.optionalWith(WholeNumber(1, 100), { default: () => 3 }),
    retryAfter: Schema.optionalWith(WholeNumber(0, day), { default: () => 5 })
  }),
  (world, { endpoint, count, retryAfter }) =>
    FaultQueue.of(world, endpoint).script(Array.from({ length: count }, () => Fault.throttled(String(retryAfter))))
)

const down = action(
  Schema.Struct({ endpoint: Endpoint, seconds: Schema.optionalWith(WholeNumber(1, day), { default: () => 30 }) }),
  (world, { endpoint, seconds }) => FaultQueue.of(world, endpoint).downFor(Duration.seconds(seconds))
)

const reset = action(Schema.Struct({ endpoint: Endpoint }), (world, { endpoint }) =>
  FaultQueue.of(world, endpoint).script([Fault.reset("beforeHeaders")])
)

const clear = action(Schema.Struct({ endpoint: Schema.optional(Endpoint) }), (world, { endpoint }) =>
  Effect.forEach(endpoint === undefined ? endpoints : [endpoint], (each) => FaultQueue.of(world, each).clear, {
    discard: true
  })
)

const withUser = (run: (world: World, username: string) => Effect.Effect<void>): Action =>
  action(Schema.Struct({ username: Schema.NonEmptyString }), (world, { username }) =>
    Effect.zipRight(unless(isUser(world, username), "user"), run(world, username))
  )

const enable = (world: World, username: string) =>
  Effect.sync(() => void world.memory.disabled.delete(username.toLowerCase()))

/** Of a person, or for an API. */
const demandMfa = action(
  Schema.Struct({
    of: Schema.NonEmptyString,
    demanded: Schema.optionalWith(YesOrNo, { default: () => true })
  }),
  (world, { of, demanded }) =>
    Effect.gen(function* () {
      if (!isUser(world, of)) yield* unless(hasApi(world, of), "user or API")
      yield* Events.requireMfa(world, of, demanded)
    })
)

const withdrawConsent = action(
  Schema.Struct({ clientId: Schema.NonEmptyString, api: Schema.NonEmptyString }),
  (world, { api, clientId }) =>
    Effect.gen(function* () {
      yield* unless(
        tenantsOf(world).some((tenant) => findApp(tenant, clientId) !== undefined),
        "application"
      )
      yield* unless(hasApi(world, api), "API")
      Consents.withdraw(world, clientId, api)
    })
)

/** By the last part of their path. */
export const all: ReadonlyMap<string, Action> = new Map([
  ["throttle", throttle],
  ["down", down],
  ["reset", reset],
  ["clear", clear],
  ["revoke", withUser(Events.revoke)],
  ["disable", withUser(Events.disable)],
  ["enable", withUser(enable)],
  ["demand-mfa", demandMfa],
  ["withdraw-consent", withdrawConsent]
])
