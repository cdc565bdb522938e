/** Cloud Shell (https://learn.microsoft.com/azure/cloud-shell/msi-authorization). */
import * as Effect from "effect/Effect"
import { strings } from "./imds.js"
import { type Host, lacksMetadata, parametersOf, Refused } from "./managedIdentity.js"

const refused = (status: number, code: string, text: string) => new Refused({ status, code, text })

const badRequest = (text: string) => refused(400, "BadRequest", text)

const noIdentity = refused(400, "IdentityNotFound", "Identity not found")

const foreign = ["client_id", "clientid", "object_id", "principal_id", "msi_res_id", "mi_res_id"]

export const host: Host = {
  name: "cloudShell",
  method: "POST",
  isProbe: lacksMetadata,
  admit: (asked) => {
    if (lacksMetadata(asked.request)) return Effect.fail(badRequest("Required metadata header not specified"))
    return foreign.some((name) => parametersOf(asked).has(name))
      ? Effect.fail(badRequest("A user-assigned managed identity is not supported."))
      : Effect.void
  },
  names: {},
  takesOnlyIdentity: false,
  knowsRevocation: false,
  words: {
    wrongMethod: refused(405, "MethodNotAllowed", "Method Not Allowed"),
    noResource: badRequest("The parameter 'resource' is missing."),
    noIdentity,
    unknownIdentity: noIdentity,
    severalIdentities: noIdentity,
    // https://github.com/Azure/CloudShell/issues/477
    unknownResource: (resource) =>
      refused(400, "AudienceNotSupported", `Audience ${resource} is not a supported MSI token audience.`)
  },
  members: (issued) => Effect.succeed(strings(issued)),
  optional: [],
  refusal: ({ code, text }) => ({ error: { code, message: text } }),
  headers: {}
}
