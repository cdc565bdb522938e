/** The page where people type the code that a device shows, and sign in for it. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as Browser from "./browser.js"
import { loginPath } from "./deviceCode.js"
import * as DevicePages from "./devicePages.js"
import { allow, type Device, waiting } from "./devices.js"
import * as Pages from "./pages.js"
import * as Refusals from "./refusals.js"
import * as SigningIn from "./signingIn.js"
import type { World } from "./world.js"

type Response = HttpServerResponse.HttpServerResponse

const here: Pages.Place = { action: loginPath, fields: [], leadsTo: undefined }

const enter = (world: World, message?: string) =>
  SigningIn.show({ world, place: here }, (place) => DevicePages.enterCode(place, message))

/** The device whose code was typed. Its code is not told apart from one that was never given out. */
const typed = (world: World): SigningIn.Step<Device> =>
  Effect.gen(function* () {
    const facts = yield* Asked
    if (facts.tooLarge) return yield* new SigningIn.Tell({ refusal: Refusals.tooLarge })
    const code = facts.form.get("user_code")
    if (code === null) return yield* enter(world)
    if (!Browser.isGenuine(world, facts)) return yield* new SigningIn.Tell({ refusal: Refusals.notFromHere })
    const device = waiting(world, code)
    // https://github.com/AzureAD/azure-activedirectory-library-for-dotnet/issues/1327
    if (device === undefined) return yield* enter(world, "We don't recognize this code, please enter the code again.")
    if (device.expiresAt > (yield* world.now)) return device
    return yield* enter(
      world,
      "This code has expired. Start again on your device, and enter the code that it shows then."
    )
  })

const signIn = (world: World, device: Device): SigningIn.Step<Response> =>
  Effect.gen(function* () {
    const { realm, app, scope, claims, userCode } = device
    const { form } = yield* Asked
    const place = { ...here, fields: [["user_code", userCode]] as const }
    const isAnswered = form.has("confirmed") || form.has("decision") || world.memory.robot !== undefined
    if (!isAnswered) {
      return yield* SigningIn.show({ world, place }, (shown) => DevicePages.confirm(shown, app.displayName))
    }
    const signedIn = yield* SigningIn.run({
      world,
      realm,
      app,
      scope,
      prompt: undefined,
      loginHint: undefined,
      claims,
      place: { ...place, fields: [...place.fields, ["confirmed", "yes"]] }
    })
    yield* allow(world, device, signedIn.person, signedIn.session)
    return Browser.withCookie(DevicePages.done(app.displayName), signedIn.id)
  })

/** Who said no said it for the device; any other refusal is for the person, and the device waits on. */
const decline = (device: Device, refusal: Answers.Refusal): SigningIn.Step<Response> => {
  if (refusal.error !== "access_denied") return Effect.fail(new SigningIn.Tell({ refusal }))
  device.answer = "declined"
  return Effect.succeed(DevicePages.declined(device.app.displayName))
}

export const answer = (world: World): Effect.Effect<Response, never, Asked> =>
  Effect.gen(function* () {
    const device = yield* typed(world)
    return yield* Effect.catchTag(signIn(world, device), "Refusal", (refusal) => decline(device, refusal))
  }).pipe(
    Effect.catchTags({
      Ask: (ask) => Effect.succeed(ask.page),
      Tell: ({ refusal }) => error(world, refusal),
      Refusal: (refusal) => error(world, refusal)
    })
  )

const error = (world: World, refusal: Answers.Refusal) =>
  Effect.map(Answers.describe(world, refusal), (description) => Pages.error(400, description))
