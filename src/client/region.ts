import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { ConfigurationError } from "../core/TokenError.js"
import type { Transport } from "../protocol/transport.js"
import * as SingleFlight from "../resilience/singleFlight.js"
import { variable } from "./environment.js"

/** The region whose service is asked; none where it is not wanted, or not known. */
export type Region = Effect.Effect<string | undefined>

/** App Service writes `West US 2` for `westus2`. */
const normalized = (name: string): string => name.replaceAll(" ", "").toLowerCase()

/** MSAL's and Azure SDK's words for it. */
const detected: ReadonlySet<string> = new Set(["auto", "autodetect", "autodiscoverregion", "tryautodetect"])

const parse = (parameter: string, name: string): Effect.Effect<string, ConfigurationError> =>
  /^[a-z0-9]+$/.test(normalized(name))
    ? Effect.succeed(normalized(name))
    : new ConfigurationError({
        parameter,
        expected: "the name of an Azure region: letters and digits alone",
        remedy: 'Write it as in "westus2", or "auto" to have it detected.'
      })

const names = ["AZURE_REGIONAL_AUTHORITY_NAME", "MSAL_FORCE_REGION", "REGION_NAME"] as const

const fromEnvironment = Effect.gen(function* () {
  for (const name of names) {
    const value = yield* variable(name)
    if (value === undefined) continue
    return detected.has(normalized(value)) ? undefined : yield* parse(name, value)
  }
  return undefined
})

const url = "http://169.254.169.254/metadata/instance/compute?api-version=2021-02-01"
const timeout = Duration.seconds(2)
const Compute = Schema.parseJson(Schema.Struct({ location: Schema.String }))
const decodeCompute = Schema.decodeUnknownOption(Compute)

/** Azure Instance Metadata Service; nobody answers where the machine is not Azure's. */
const fromMachine = (transport: Transport): Effect.Effect<string | undefined> =>
  transport.get({ url, host: "169.254.169.254", headers: { metadata: "true" }, timeout }).pipe(
    Effect.map((outcome) =>
      outcome._tag === "Answer" && outcome.status === 200 ? decodeCompute(outcome.body) : Option.none()
    ),
    Effect.flatMap(Effect.transposeMapOption(({ location }) => parse("location", location))),
    Effect.map(Option.getOrUndefined),
    Effect.orElseSucceed(() => undefined),
    Effect.tap((region) =>
      Effect.annotateLogs(Effect.logDebug("looked for the machine's region"), {
        package: "effect-entra",
        "entra.region": region ?? "none"
      })
    )
  )

/**
 * Finds the region once, on the first request; that there is none is remembered too.
 *
 * @internal
 */
export const make = (
  wanted: string | undefined,
  transport: Transport
): Effect.Effect<Region, ConfigurationError, Scope.Scope> =>
  Effect.gen(function* () {
    if (wanted === undefined) return Effect.succeed(undefined)
    const named = detected.has(normalized(wanted)) ? yield* fromEnvironment : yield* parse("azureRegion", wanted)
    if (named !== undefined) return Effect.succeed(named)
    const flights = yield* SingleFlight.make<string | undefined, undefined>(undefined)
    let found: Option.Option<string | undefined> = Option.none()
    const run = Effect.tap(fromMachine(transport), (region) => {
      found = Option.some(region)
    })
    const looked = flights.join({ key: url, consumes: false, pass: Effect.void, run })
    return Effect.suspend(() =>
      Option.isSome(found) ? Effect.succeed(found.value) : Effect.orElseSucceed(looked, () => undefined)
    )
  })
