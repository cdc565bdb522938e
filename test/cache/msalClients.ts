import { type AuthenticationResult, ConfidentialClientApplication, type INetworkModule } from "@azure/msal-node"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "@effect/platform"
import { Effect, Redacted, Runtime } from "effect"
import * as Document from "../../src/cache/msalDocument.js"
import { clouds } from "../../src/core/clouds.js"
import { defaults, publicOrigin } from "../emulator/helpers.js"
import { right } from "./msalDocuments.js"

/** The default application at Entra's public cloud. */
export const client = {
  clientId: defaults.clientId,
  environments: [clouds.public.cacheName, clouds.public.host, ...clouds.public.aliases]
} as const

const answer = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(response.json, (json) => ({
    status: response.status,
    headers: { ...response.headers },
    // biome-ignore lint/suspicious/noExplicitAny: MSAL says what it expects
    body: json as any
  }))

/** MSAL's network over the emulator of this process, what is posted counted. */
const network = Effect.map(Effect.runtime<HttpClient.HttpClient>(), (runtime) => {
  const posted: Array<string> = []
  const run = (request: HttpClientRequest.HttpClientRequest) =>
    Runtime.runPromise(runtime)(Effect.flatMap(HttpClient.execute(request), answer))
  const networkClient: INetworkModule = {
    sendGetRequestAsync: (url) => run(HttpClientRequest.get(url)),
    sendPostRequestAsync: (url, options) => {
      posted.push(url)
      return run(
        HttpClientRequest.post(url).pipe(
          HttpClientRequest.bodyText(options?.body ?? "", "application/x-www-form-urlencoded")
        )
      )
    }
  }
  return { networkClient, posted }
})

export const publicAuthority = `${publicOrigin}/${defaults.tenantId}`

/** msal-node as the default application, with what is in a document. */
export const msal = (document = Document.empty, authority = publicAuthority, isKnown = authority !== publicAuthority) =>
  Effect.map(network, ({ networkClient, posted }) => {
    const application = new ConfidentialClientApplication({
      auth: {
        clientId: defaults.clientId,
        clientSecret: Redacted.value(defaults.clientSecret),
        authority,
        // It takes the host's own name for the cloud's then.
        knownAuthorities: isKnown ? [new URL(authority).host] : []
      },
      system: { networkClient }
    })
    application.getTokenCache().deserialize(Document.print(document))
    return {
      application,
      posted,
      accounts: attempt(() => application.getTokenCache().getAllAccounts()),
      written: Effect.sync(() => right(Document.parse(application.getTokenCache().serialize())))
    }
  })

export const attempt = <A>(promise: () => Promise<A>) => Effect.tryPromise({ try: promise, catch: (error) => error })

export const present = (result: AuthenticationResult | null): AuthenticationResult => {
  if (result === null) throw new Error("MSAL has no token")
  return result
}
