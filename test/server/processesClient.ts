import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { defaults } from "../../src/emulator/EntraEmulator.js"
import * as BearerHttpClient from "../../src/http/BearerHttpClient.js"
import * as ClaimsChallengeHandler from "../../src/http/ClaimsChallengeHandler.js"
import { MiddleTier, webApp } from "./processesApi.js"
import { obey, setting } from "./processesPort.js"

const app = ConfidentialClient.layer({
  authority: Authority.entra({ tenantId: defaults.tenantId, host: setting("AUTHORITY_HOST") }),
  clientId: webApp.clientId,
  credential: ClientCredential.secret(defaults.clientSecret),
  clientCapabilities: ["cp1"]
}).pipe(
  Layer.provide(TokenCache.layerMemory()),
  Layer.merge(IdTokenVerifier.layer),
  Layer.provideMerge(NodeHttpClient.layerUndici)
)

/** Sends a browser there, in which the user is. */
const visit = (url: URL) =>
  Effect.promise(async () => {
    const { headers } = await fetch(url, { redirect: "manual" })
    return new URL(headers.get("location") ?? "").searchParams
  })

const signIn = (claims?: string) =>
  Effect.gen(function* () {
    const { acquireTokenByCode, getAuthCodeUrl } = yield* ConfidentialClient.ConfidentialClient
    const { redirectUri } = webApp
    const { flow, url } = yield* getAuthCodeUrl({ redirectUri, scopes: defaults.middleTierScope, claims })
    return yield* acquireTokenByCode({ flow, response: yield* visit(url) })
  })

obey(
  Effect.gen(function* () {
    const context = yield* Layer.build(app)
    const baseUrl = setting("MIDDLE_TIER")
    const { account } = Context.get(context, ConfidentialClient.ConfidentialClient)
    const { account: user } = yield* Effect.provide(signIn(), context)
    const source = account(user.homeAccountId).forScopes(defaults.middleTierScope)
    let asked = 0
    const interactive = ClaimsChallengeHandler.layerInteractive(({ claims }) => {
      asked += 1
      return Effect.map(Effect.provide(signIn(claims), context), ({ token }) => token)
    })
    const bearer = BearerHttpClient.layer(source, { origins: [baseUrl] }).pipe(
      Layer.provide([interactive, NodeHttpClient.layerUndici])
    )
    const { tasks } = yield* Effect.provide(HttpApiClient.make(MiddleTier, { baseUrl }), yield* Layer.build(bearer))
    const call = Effect.match(tasks.read(), { onFailure: (error) => `failed: ${error}`, onSuccess: ({ oid }) => oid })
    return {
      /** So many calls at once, each so often: who was found to call. */
      call: (argument) => {
        const [width = 1, rounds = 1] = argument.split("x").map(Number)
        return Effect.map(
          Effect.all(
            Array.from({ length: width }, () => Effect.replicateEffect(call, rounds)),
            { concurrency: "unbounded" }
          ),
          (answers) => answers.flat()
        )
      },
      asked: () => Effect.sync(() => asked)
    }
  })
)
