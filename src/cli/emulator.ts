import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as EntraEmulator from "../emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../emulator/EntraEmulatorNode.js"
import { Failed } from "./failed.js"
import { Screen } from "./screen.js"

const { defaults } = EntraEmulator

/** A user and an application for who tries the sign-in by hand. */
const people = `People sign in by: effect-entra login --client-id ${defaults.publicClientId}; one is ${defaults.secondUsername}, password ${Redacted.value(defaults.password)}\n`

/** The environment for a program that is to use the emulator; its secret protects nothing. */
const environment = (origin: string): ReadonlyArray<string> => [
  `export AZURE_AUTHORITY_HOST=${origin}`,
  `export AZURE_TENANT_ID=${defaults.tenantId}`,
  `export AZURE_CLIENT_ID=${defaults.clientId}`,
  `export AZURE_CLIENT_SECRET='${Redacted.value(defaults.clientSecret)}'`
]

const announce = Effect.gen(function* () {
  const screen = yield* Screen
  const { certificate, origin } = yield* EntraEmulatorNode.Address
  yield* screen.note(`Entra emulator on ${origin}, until Ctrl-C. The API to ask for is ${defaults.apiScope}\n`)
  yield* screen.note(`Inspector: ${origin}/\n`)
  yield* screen.note(people)
  yield* Effect.forEach(environment(origin), screen.result, { discard: true })
  if (certificate !== undefined) yield* screen.result(certificate.trim())
})

export const emulatorCommand = Command.make(
  "emulator",
  {
    port: Options.integer("port").pipe(
      Options.withSchema(Schema.Int.pipe(Schema.between(0, 65_535))),
      Options.withDescription("The port on 127.0.0.1; any free one when left out"),
      Options.optional
    ),
    tls: Options.boolean("tls").pipe(Options.withDescription("Speak TLS, and print the certificate to trust"))
  },
  ({ port, tls }) =>
    Effect.zipRight(announce, Effect.never).pipe(
      Effect.provide(EntraEmulatorNode.layer({ port: Option.getOrElse(port, () => 0), tls })),
      Effect.catchTag("ServeError", () =>
        Effect.flatMap(Screen, (screen) =>
          Effect.zipRight(
            screen.note(
              "The port can't be had: another program listens there, or it is reserved. Give another --port, or none.\n"
            ),
            new Failed()
          )
        )
      )
    )
).pipe(Command.withDescription("Run Entra ID on loopback, for tests and trials"))
