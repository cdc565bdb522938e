/**
 * The instance metadata service of a virtual machine
 * (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { Asked, type Facts } from "./asked.js"
import type { Members } from "./chance.js"
import { type Host, type Issued, isSince, lacksMetadata, Refused, versionOf } from "./managedIdentity.js"
import type { World } from "./world.js"

const refused = (status: number, code: string, text: string) => new Refused({ status, code, text })

const badRequest = (text: string) => refused(400, "invalid_request", text)

/** As Azure Arc says it, too. */
export const words: Host["words"] = {
  wrongMethod: refused(405, "invalid_request", "Method Not Allowed"),
  noResource: badRequest("Required query variable 'resource' is missing"),
  // https://github.com/Azure/azure-sdk-for-net/issues/37278
  noIdentity: badRequest("Identity not found"),
  unknownIdentity: badRequest("Identity not found"),
  // https://github.com/Hexadite/acs-keyvault-agent/pull/43
  severalIdentities: badRequest(
    "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"
  ),
  // Entra's own body: https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/3979
  unknownResource: (_, entra) => new Refused({ status: 400, code: "invalid_resource", text: "", more: entra })
}

export const refusal = ({ code, more, text }: Refused): Members => ({ error: code, error_description: text, ...more })

/** Every member is a string. */
export const strings = (issued: Issued): Members => ({
  access_token: issued.accessToken,
  refresh_token: "",
  expires_in: String(issued.expiresAt - issued.now),
  expires_on: String(issued.expiresAt),
  not_before: String(issued.issuedAt),
  resource: issued.resource,
  token_type: "Bearer"
})

export const noMetadata = refused(400, "bad_request_102", "Required metadata header not specified")

const forwarded = badRequest("X-Forwarded-For header is not allowed")

const noVersion = badRequest("Required query variable 'api-version' is missing")

/** Where neither may be: https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service */
const guard = ({ request }: Facts): Effect.Effect<void, Refused> => {
  if (lacksMetadata(request)) return Effect.fail(noMetadata)
  return request.headers["x-forwarded-for"] === undefined ? Effect.void : Effect.fail(forwarded)
}

const server = { server: "IMDS/150.870.65.512" }

export const host: Host = {
  name: "imds",
  method: "GET",
  isProbe: lacksMetadata,
  admit: (asked) =>
    Effect.zipRight(guard(asked), isSince(versionOf(asked), "2018-02-01") ? Effect.void : Effect.fail(noVersion)),
  names: { client_id: "clientId", object_id: "objectId", msi_res_id: "resourceId", mi_res_id: "resourceId" },
  takesOnlyIdentity: true,
  knowsRevocation: false,
  words,
  members: (issued) => Effect.succeed({ ...strings(issued), client_id: issued.identity.clientId }),
  optional: ["client_id"],
  refusal,
  headers: server
}

const json = (status: number, members: Members) =>
  HttpServerResponse.text(JSON.stringify(members), {
    status,
    contentType: "application/json; charset=utf-8",
    headers: server
  })

type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked>

/** Any other path: the error table of the page above. */
export const unknownSource: Answer = Effect.map(Asked, ({ url }) =>
  json(401, refusal(refused(401, "unknown_source", `Unknown Source ${url.origin}${url.pathname}`)))
)

// https://github.com/MicrosoftDocs/azure-compute-docs/pull/289
const wrongVersion = {
  error:
    "Bad request. api-version is invalid or was not specified in the request. For more information refer to aka.ms/azureimds",
  "newest-versions": ["2025-04-07", "2024-07-17", "2024-03-15"]
}

const guarded = (answer: (asked: Facts) => HttpServerResponse.HttpServerResponse): Answer =>
  Effect.flatMap(Asked, (asked) =>
    guard(asked).pipe(
      Effect.map(() => (isSince(versionOf(asked), "2017-04-02") ? answer(asked) : json(400, wrongVersion))),
      Effect.catchAll((refused) => Effect.succeed(json(refused.status, { error: `Bad request. ${refused.text}` })))
    )
  )

const locationOf = ({ directory: { machine } }: World) => machine?.location ?? "westus2"

/** What a client looks at to find its region: no fault is played. */
export const compute = (world: World): Answer =>
  guarded(() =>
    json(200, { azEnvironment: "AzurePublicCloud", location: locationOf(world), provider: "Microsoft.Compute" })
  )

/** One value has to be asked for as text (https://github.com/MicrosoftDocs/azure-docs/issues/15283). */
export const location = (world: World): Answer =>
  guarded(({ url }) =>
    url.searchParams.get("format") === "text"
      ? HttpServerResponse.text(locationOf(world), { headers: server })
      : json(400, { error: "Bad request. Invalid query parameter. 'format' should be 'text' for a leaf node." })
  )
