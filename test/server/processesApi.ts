import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"
import { defaultDirectory, defaults } from "../../src/emulator/EntraEmulator.js"
import * as OnBehalfOf from "../../src/server/OnBehalfOf.js"

/** What the middle tier serves, as its clients know it. */
export class MiddleTier extends HttpApi.make("middleTier").add(
  HttpApiGroup.make("tasks")
    .add(HttpApiEndpoint.get("read", "/tasks").addSuccess(Schema.Struct({ oid: Schema.String })))
    .middleware(OnBehalfOf.OnBehalfOf)
) {}

/** The web app that people use, and that calls the middle tier for them. */
export const webApp = {
  clientId: "55556666-ffff-7777-aaaa-8888bbbb9999",
  redirectUri: defaults.redirectUri
}

export const directory = {
  ...defaultDirectory,
  tenants: defaultDirectory.tenants.map((tenant) =>
    tenant.id === defaults.tenantId
      ? {
          ...tenant,
          apps: [
            ...tenant.apps,
            {
              clientId: webApp.clientId,
              objectId: "eeeeeeee-5555-6666-7777-ffffffffffff",
              displayName: "Web app",
              secrets: [{ value: defaults.clientSecret }],
              redirectUris: [webApp.redirectUri],
              consent: { [defaults.middleTierIdentifierUri]: ["access_as_user"] }
            }
          ]
        }
      : tenant
  )
}
