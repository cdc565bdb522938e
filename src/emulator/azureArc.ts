/**
 * A server that Azure Arc manages: who asks shows that it may read a file of the machine
 * (https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication).
 */
import * as Effect from "effect/Effect"
import * as ArcKeys from "./arcKeys.js"
import { noMetadata, refusal, strings, words } from "./imds.js"
import { type Host, type Issued, isSince, lacksMetadata, Refused, versionOf } from "./managedIdentity.js"
import type { World } from "./world.js"

const noVersion = new Refused({
  status: 400,
  code: "invalid_request",
  text: "Required query variable 'api-version' is missing"
})

const challenge = (world: World) =>
  ArcKeys.write(world).pipe(
    Effect.mapError(({ message }) => new Refused({ status: 500, code: "server_error", text: message })),
    Effect.flatMap((path) =>
      Effect.fail(
        new Refused({
          status: 401,
          code: "unauthorized_client",
          text: "Missing or wrong Basic Authorization header",
          headers: { "www-authenticate": `Basic realm=${path}` }
        })
      )
    )
  )

/**
 * Confirms the identity that was asked for: an agent that does not know the parameter ignores it, which a client could not
 * tell otherwise (AzureArc.ts of https://github.com/AzureAD/microsoft-authentication-library-for-js).
 */
const echo = ({ identity, isNamed }: Issued) =>
  isNamed ? { client_id: identity.clientId, object_id: identity.objectId, msi_res_id: identity.resourceId } : undefined

export const host = (world: World): Host => ({
  name: "azureArc",
  method: "GET",
  isProbe: lacksMetadata,
  admit: (asked) => {
    if (lacksMetadata(asked.request)) return Effect.fail(noMetadata)
    if (!isSince(versionOf(asked), "2019-11-01")) return Effect.fail(noVersion)
    const [, key = ""] = /^basic +(\S+)$/i.exec(asked.request.headers.authorization ?? "") ?? []
    return Effect.flatMap(ArcKeys.serve(world, key), (isValid) => (isValid ? Effect.void : challenge(world)))
  },
  names: { client_id: "clientId", object_id: "objectId", msi_res_id: "resourceId" },
  takesOnlyIdentity: false,
  knowsRevocation: false,
  words,
  members: (issued) => Effect.succeed({ ...strings(issued), ...echo(issued) }),
  optional: [],
  refusal,
  headers: {}
})
