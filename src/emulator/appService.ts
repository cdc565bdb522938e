/** App Service, Functions and Container Apps (https://learn.microsoft.com/azure/app-service/overview-managed-identity). */
import * as Effect from "effect/Effect"
import * as Chance from "./chance.js"
import { type Host, type Issued, isSince, Refused, versionOf } from "./managedIdentity.js"
import type { World } from "./world.js"

const refused = (status: number, text: string) => new Refused({ status, code: String(status), text })

/** https://github.com/Azure/azure-sdk-for-net/issues/44685 */
export const refusal: Host["refusal"] = ({ status, text }, { traceId }) => ({
  statusCode: status,
  message: text,
  correlationId: traceId
})

/** https://github.com/Azure-Samples/azure-search-openai-demo/issues/2148 */
const unknown = "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."

const words: Host["words"] = {
  wrongMethod: refused(405, "Method Not Allowed"),
  noResource: refused(400, "The parameter 'resource' is required."),
  noIdentity: refused(400, "No Managed Identity found for specified ClientId/ResourceId/PrincipalId."),
  unknownIdentity: refused(400, unknown),
  severalIdentities: refused(400, unknown),
  // For a wrong scope, by the integration tests of https://github.com/AzureAD/microsoft-authentication-library-for-dotnet
  unknownResource: () => refused(500, "An unexpected error occured while fetching the AAD Token.")
}

const noSecret = (header: string) => refused(400, `The header '${header}' is required.`)

const wrongSecret = refused(401, "Unauthorized")

const wrongVersion = refused(400, "The api-version is not supported.")

/** The secret of the environment in a header, which a program that is made to ask for us can't set. */
export const admit =
  ({ identitySecret }: World, header: string, isVersion: (version: string) => boolean): Host["admit"] =>
  (asked) => {
    const presented = asked.request.headers[header.toLowerCase()]
    if (presented === undefined) return Effect.fail(noSecret(header))
    if (presented !== identitySecret) return Effect.fail(wrongSecret)
    return isVersion(versionOf(asked)) ? Effect.void : Effect.fail(wrongVersion)
  }

const members = ({ accessToken, resource }: Issued, expiresOn: string): Chance.Members => ({
  access_token: accessToken,
  expires_on: expiresOn,
  resource,
  token_type: "Bearer"
})

/** In the version 2019-08-01, and what came later. */
export const host = (world: World): Host => ({
  name: "appService",
  method: "GET",
  isProbe: () => false,
  admit: admit(world, "X-IDENTITY-HEADER", (version) => isSince(version, "2019-08-01")),
  names: { client_id: "clientId", principal_id: "objectId", object_id: "objectId", mi_res_id: "resourceId" },
  takesOnlyIdentity: false,
  knowsRevocation: true,
  words,
  members: (issued) =>
    Effect.succeed({ ...members(issued, String(issued.expiresAt)), client_id: issued.identity.clientId }),
  optional: [],
  refusal,
  headers: {}
})

const twoDigits = (value: number) => String(value).padStart(2, "0")

/**
 * `06/19/2019 23:42:01 +00:00` on Linux and `6/19/2019 11:42:01 PM +00:00` on Windows
 * (https://github.com/Azure/azure-sdk-for-python/pull/9480).
 */
export const dateOf = (seconds: number, system: "linux" | "windows"): string => {
  const date = new Date(seconds * 1000)
  const [day, month, year, hours] = [
    date.getUTCDate(),
    date.getUTCMonth() + 1,
    date.getUTCFullYear(),
    date.getUTCHours()
  ]
  const minutes = `${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())}`
  return system === "linux"
    ? `${twoDigits(month)}/${twoDigits(day)}/${year} ${twoDigits(hours)}:${minutes} +00:00`
    : `${month}/${day}/${year} ${hours % 12 || 12}:${minutes} ${hours < 12 ? "AM" : "PM"} +00:00`
}

const isLegacy = (version: string) => version === "2017-09-01"

/** The first version, which knows identities by `clientid` alone; with a seed the host is of either system. */
export const legacyHost = (world: World): Host => ({
  name: "appServiceLegacy",
  method: "GET",
  isProbe: () => false,
  admit: admit(world, "secret", isLegacy),
  names: { clientid: "clientId" },
  takesOnlyIdentity: false,
  knowsRevocation: false,
  // With capitals: https://github.com/MicrosoftDocs/azure-docs/issues/43543
  words: { ...words, unknownIdentity: refused(400, "No MSI found for specified ClientId/ResourceId.") },
  members: (issued) =>
    Effect.map(world.varies ? Chance.coin : Effect.succeed(false), (isWindows) =>
      members(issued, dateOf(issued.expiresAt, isWindows ? "windows" : "linux"))
    ),
  optional: [],
  refusal: ({ status, text }, { traceId }) => ({ StatusCode: status, Message: text, CorrelationId: traceId }),
  headers: {}
})

/**
 * Azure Machine Learning asks as the first version does, and tells the time in seconds: MachineLearning.ts of
 * https://github.com/AzureAD/microsoft-authentication-library-for-js
 */
export const machineLearningHost = (world: World): Host => ({
  ...legacyHost(world),
  name: "azureMl",
  members: (issued) =>
    Effect.succeed({ ...members(issued, String(issued.expiresAt)), client_id: issued.identity.clientId }),
  optional: ["client_id"],
  refusal
})
