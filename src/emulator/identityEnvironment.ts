/** The environment variables by which a program finds the managed identities of its host. */
import { identitiesOf } from "./directory.js"
import type { World } from "./world.js"

/**
 * A kind of host with managed identities: a virtual machine (`imds`), App Service in its two versions, a server that Azure
 * Arc manages, Service Fabric, Azure Machine Learning, Cloud Shell.
 *
 * @since 0.1.0
 * @category models
 */
export type ManagedIdentityHost =
  | "imds"
  | "appService"
  | "appServiceLegacy"
  | "azureArc"
  | "serviceFabric"
  | "azureMl"
  | "cloudShell"

/** Where each kind answers, below the emulator's origin. */
export const paths = {
  imds: "/metadata/identity/oauth2/token",
  appService: "/msi/appservice",
  appServiceLegacy: "/msi/appservice-legacy",
  azureArc: "/arc/metadata/identity/oauth2/token",
  serviceFabric: "/msi/servicefabric",
  azureMl: "/msi/ml",
  cloudShell: "/msi/cloudshell"
} as const

/** No certificate has it. */
const noThumbprint = "0".repeat(40)

/**
 * What is set on such a host. App Service sets the variables of its first version too, and the name of the site, which
 * Azure Machine Learning does not.
 */
export const of = (
  { directory, identitySecret }: World,
  host: ManagedIdentityHost,
  origin: string,
  thumbprint: string = noThumbprint
): Record<string, string> => {
  const at = (of: keyof typeof paths) => `${origin}${paths[of]}`
  const legacy = {
    MSI_ENDPOINT: at("appServiceLegacy"),
    MSI_SECRET: identitySecret,
    WEBSITE_SITE_NAME: "effect-entra-emulator"
  }
  switch (host) {
    case "imds":
      return { AZURE_POD_IDENTITY_AUTHORITY_HOST: origin }
    case "appService":
      return { ...legacy, IDENTITY_ENDPOINT: at("appService"), IDENTITY_HEADER: identitySecret }
    case "appServiceLegacy":
      return legacy
    case "azureArc":
      return { IDENTITY_ENDPOINT: at("azureArc"), IMDS_ENDPOINT: `${origin}/arc` }
    case "serviceFabric":
      return {
        IDENTITY_ENDPOINT: at("serviceFabric"),
        IDENTITY_HEADER: identitySecret,
        IDENTITY_SERVER_THUMBPRINT: thumbprint,
        IDENTITY_API_VERSION: "2019-07-01-preview"
      }
    case "azureMl":
      return {
        MSI_ENDPOINT: at("azureMl"),
        MSI_SECRET: identitySecret,
        DEFAULT_IDENTITY_CLIENT_ID: identitiesOf(directory)[0]?.clientId ?? ""
      }
    case "cloudShell":
      return { MSI_ENDPOINT: at("cloudShell"), AZUREPS_HOST_ENVIRONMENT: "cloud-shell/1.0" }
  }
}
