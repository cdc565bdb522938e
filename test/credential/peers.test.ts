import { createServer } from "node:http"
import { ConfidentialClientApplication, type INetworkModule, type NodeAuthOptions } from "@azure/msal-node"
import { HttpClient, HttpClientRequest } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { exportJWK, importX509 } from "jose"
import Provider from "oidc-provider"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import type { ClientCredential } from "../../src/credential/ClientCredential.js"
import { directoryWith, makeCertificate } from "../emulator/assertions.js"
import { listen } from "../protocol/servers.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"
import { ec, ecPkcs8 } from "../support/keys.js"

const certified = await makeCertificate()

/** MSAL's network, which ends in the emulator in this process. */
const network = (client: HttpClient.HttpClient): INetworkModule => {
  const send = async (request: HttpClientRequest.HttpClientRequest) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const response = yield* client.execute(request)
        // biome-ignore lint/suspicious/noExplicitAny: MSAL says what it expects
        return { status: response.status, headers: { ...response.headers }, body: (yield* response.json) as any }
      })
    )
  return {
    sendGetRequestAsync: (url, given) => send(HttpClientRequest.get(url, { headers: given?.headers })),
    sendPostRequestAsync: (url, given) =>
      send(
        HttpClientRequest.post(url, { headers: given?.headers }).pipe(
          HttpClientRequest.bodyText(given?.body ?? "", "application/x-www-form-urlencoded")
        )
      )
  }
}

const { certificate, privateKey, sha1, sha256 } = certified
const pair = { certificate, privateKey: Redacted.make(privateKey) }

const kinds: ReadonlyArray<
  readonly [
    string,
    NonNullable<NodeAuthOptions["clientCertificate"]>,
    Omit<ClientCertificate.ByCertificate, "certificate">
  ]
> = [
  ["SHA-256", { thumbprintSha256: sha256, privateKey }, {}],
  ["SHA-256 and the chain", { thumbprintSha256: sha256, privateKey, x5c: certificate }, { sendChain: true }],
  ["SHA-1", { thumbprint: sha1, privateKey }, { algorithm: "RS256" }]
]

const timeless = ({ exp, iat, jti, nbf, ...claims }: Readonly<Record<string, unknown>>) => ({
  claims,
  lifetime: Number(exp) - Number(nbf),
  types: [exp, iat, jti, nbf].map((value) => typeof value)
})

describe("an assertion by a certificate", () => {
  it.scopedLive.each(kinds)("by %s is that of @azure/msal-node, apart from its times and its id", ([, theirs, ours]) =>
    Effect.gen(function* () {
      const msal = new ConfidentialClientApplication({
        auth: {
          clientId: defaults.clientId,
          authority: `https://login.microsoftonline.com/${defaults.tenantId}`,
          clientCertificate: theirs
        },
        system: { networkClient: network(yield* HttpClient.HttpClient) }
      })
      yield* Effect.promise(() => msal.acquireTokenByClientCredential({ scopes: [defaults.apiScope] }))
      const credential = ClientCertificate.fromPem({ ...pair, ...ours })
      const { app } = yield* ConfidentialClient.make({ ...options, credential })
      yield* app.forScopes(defaults.apiScope).getToken()
      const [first, second] = yield* Effect.map(tokenRequests, (requests) =>
        requests.map(({ assertion, form }) => ({
          header: assertion?.header,
          type: form.client_assertion_type,
          ...timeless(assertion?.claims ?? {})
        }))
      )
      assert.isDefined(second)
      assert.deepStrictEqual(second, first)
    }).pipe(Effect.provide(layer({}, { directory: directoryWith({ certificates: [{ certificate }] }) })))
  )
})

/** A certified OpenID provider, whose client proves itself by `private_key_jwt`. */
const provider = (algorithm: "ES256" | "PS256") =>
  Effect.gen(function* () {
    const server = createServer()
    const { origin: issuer } = yield* listen(server)
    const rsa = yield* Effect.promise(async () =>
      exportJWK(await importX509(certificate, "PS256", { extractable: true }))
    )
    const oidc = new Provider(issuer, {
      clients: [
        {
          client_id: "daemon",
          grant_types: ["client_credentials"],
          redirect_uris: [],
          response_types: [],
          scope: "api:read",
          token_endpoint_auth_method: "private_key_jwt",
          token_endpoint_auth_signing_alg: algorithm,
          jwks: {
            keys: [
              { ...ec.publicKey.export({ format: "jwk" }), kty: "EC", kid: "ec-1" },
              { ...rsa, kty: "RSA", kid: "rsa-1" }
            ]
          }
        }
      ],
      clientAuthMethods: ["private_key_jwt"],
      features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
      scopes: ["api:read"]
    })
    server.on("request", oidc.callback())
    return issuer
  })

const tokenFrom = (issuer: string, credential: ClientCredential) =>
  Effect.flatMap(
    ConfidentialClient.make({
      authority: Authority.custom({ issuer, tokenEndpoint: `${issuer}/token` }),
      clientId: "daemon",
      credential
    }),
    ({ app }) => app.forScopes("api:read").getToken({ forceRefresh: true })
  )

describe("private_key_jwt at oidc-provider", () => {
  const services = Layer.merge(TokenCache.layerMemory(), NodeHttpClient.layerUndici)
  const ecKey = Redacted.make(ecPkcs8)

  it.scopedLive("is accepted with ES256, by the key's id", () =>
    Effect.gen(function* () {
      const issuer = yield* provider("ES256")
      yield* tokenFrom(issuer, ClientCertificate.fromPem({ privateKey: ecKey, keyId: "ec-1" }))
      const refusal = yield* Effect.flip(
        tokenFrom(issuer, ClientCertificate.fromPem({ privateKey: ecKey, keyId: "nobody's" }))
      )
      assert.strictEqual(refusal._tag, "InvalidClient")
    }).pipe(Effect.provide(services))
  )

  it.scopedLive("is accepted with PS256, by a certificate and the key's id", () =>
    Effect.gen(function* () {
      const issuer = yield* provider("PS256")
      yield* tokenFrom(issuer, ClientCertificate.fromPem({ ...pair, keyId: "rsa-1" }))
    }).pipe(Effect.provide(services))
  )
})
