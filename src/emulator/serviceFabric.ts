/** Service Fabric (https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code). */
import * as Effect from "effect/Effect"
import { type Host, Refused, versionOf } from "./managedIdentity.js"
import type { World } from "./world.js"

const refused = (status: number, code: string, text: string) => new Refused({ status, code, text })

/** The application has none, or its secret is unknown. */
const noIdentity = refused(
  404,
  "ManagedIdentityNotFound",
  "Managed identity not found for the specified application host."
)

const noSecret = refused(400, "SecretHeaderNotFound", "Secret is not found in the request headers.")

const wrongVersion = (version: string) =>
  refused(
    400,
    "InvalidApiVersion",
    `The api-version '${version.replace(/[^\w.-]/g, "").slice(0, 40)}' is not supported. Supported version is ` +
      "'2019-07-01-preview'."
  )

/** The second is what MSAL.NET sends. */
const versions = ["2019-07-01-preview", "2020-05-01"]

export const host = (world: World): Host => ({
  name: "serviceFabric",
  method: "GET",
  isProbe: () => false,
  admit: (asked) => {
    const { secret } = asked.request.headers
    if (secret === undefined) return Effect.fail(noSecret)
    if (secret !== world.identitySecret) return Effect.fail(noIdentity)
    const version = versionOf(asked)
    return versions.includes(version) ? Effect.void : Effect.fail(wrongVersion(version))
  },
  // The others, which MSAL Node sends, are ignored: the identity is set up in the cluster.
  names: { principalId: "objectId" },
  takesOnlyIdentity: true,
  knowsRevocation: true,
  words: {
    wrongMethod: refused(405, "MethodNotAllowed", "Method Not Allowed"),
    noResource: refused(400, "ArgumentNullOrEmpty", "The parameter 'resource' should not be null or empty string."),
    noIdentity,
    unknownIdentity: noIdentity,
    severalIdentities: noIdentity,
    unknownResource: () => refused(500, "InternalServerError", "An error occurred.")
  },
  members: ({ accessToken, expiresAt, resource }) =>
    Effect.succeed({ token_type: "Bearer", access_token: accessToken, expires_on: expiresAt, resource }),
  optional: [],
  refusal: ({ code, text }, { traceId }) => ({ error: { correlationId: traceId, code, message: text } }),
  headers: {}
})
