import type * as Redacted from "effect/Redacted"
import type { UserAssigned } from "./userAssigned.js"

/**
 * Where a managed identity's tokens come from.
 *
 * @since 0.1.0
 * @category models
 */
export type Source =
  | "appService"
  | "appServiceLegacy"
  | "azureArc"
  | "azureMl"
  | "cloudShell"
  | "imds"
  | "serviceFabric"

/** How a source is asked. */
export interface Manners {
  /** For people. */
  readonly title: string
  readonly method: "GET" | "POST"
  readonly apiVersion: string | undefined
  /** The header in which the environment's secret is sent. */
  readonly secretHeader: "x-identity-header" | "secret" | undefined
  /** Whether it wants the header that no page in a browser can send. */
  readonly wantsMetadata: boolean
  /** The parameters that name a user-assigned identity; what is absent is not taken. */
  readonly identity: Partial<Readonly<Record<UserAssigned["kind"], string>>>
  /** Whether a user-assigned identity's answer has to name it. */
  readonly mustEcho: boolean
  /** Whether it is told capabilities, and which token was revoked. */
  readonly takesRevocation: boolean
  /** Statuses that are no refusal, beside 408, 429 and 5xx. */
  readonly passing: ReadonlySet<number>
}

const updating = new Set([404, 410])
const missing = new Set([404])
const none: ReadonlySet<number> = new Set()

/**
 * Sources: Microsoft, "How to use managed identities" of App Service, Container Apps, Azure Arc, Service Fabric, Cloud Shell
 * and virtual machines; Azure SDK and MSAL, managed identity sources, for what these leave out.
 *
 * Of the revocation parameters MSAL sends both to Service Fabric alone, and has them designed for App Service: an endpoint
 * that does not know them passes over them. Service Fabric's 404 says that there is no such identity, which does not pass.
 *
 * @internal
 */
export const manners: Readonly<Record<Source, Manners>> = {
  appService: {
    title: "App Service",
    method: "GET",
    apiVersion: "2019-08-01",
    secretHeader: "x-identity-header",
    wantsMetadata: false,
    identity: { clientId: "client_id", objectId: "object_id", resourceId: "mi_res_id" },
    mustEcho: false,
    takesRevocation: true,
    passing: missing
  },
  appServiceLegacy: {
    title: "App Service (2017-09-01)",
    method: "GET",
    apiVersion: "2017-09-01",
    secretHeader: "secret",
    wantsMetadata: false,
    identity: { clientId: "clientid" },
    mustEcho: false,
    takesRevocation: false,
    passing: missing
  },
  azureMl: {
    title: "Azure Machine Learning",
    method: "GET",
    apiVersion: "2017-09-01",
    secretHeader: "secret",
    wantsMetadata: true,
    identity: { clientId: "clientid" },
    mustEcho: false,
    takesRevocation: false,
    passing: missing
  },
  cloudShell: {
    title: "Cloud Shell",
    method: "POST",
    apiVersion: undefined,
    secretHeader: undefined,
    wantsMetadata: true,
    identity: {},
    mustEcho: false,
    takesRevocation: false,
    passing: missing
  },
  azureArc: {
    title: "Azure Arc",
    method: "GET",
    apiVersion: "2020-06-01",
    secretHeader: undefined,
    wantsMetadata: true,
    identity: { clientId: "client_id", objectId: "object_id", resourceId: "msi_res_id" },
    mustEcho: true,
    takesRevocation: false,
    passing: missing
  },
  serviceFabric: {
    title: "Service Fabric",
    method: "GET",
    apiVersion: "2019-07-01-preview",
    secretHeader: "secret",
    wantsMetadata: false,
    identity: { objectId: "principalId" },
    mustEcho: false,
    takesRevocation: true,
    passing: none
  },
  imds: {
    title: "IMDS",
    method: "GET",
    apiVersion: "2018-02-01",
    secretHeader: undefined,
    wantsMetadata: true,
    identity: { clientId: "client_id", objectId: "object_id", resourceId: "msi_res_id" },
    mustEcho: false,
    takesRevocation: false,
    passing: updating
  }
}

/** The source of this machine, as its environment tells. */
export interface Detected {
  readonly source: Source
  readonly endpoint: URL
  readonly secret?: Redacted.Redacted | undefined
  /** Where the environment names another than {@link manners}. */
  readonly apiVersion?: string | undefined
  /** The SHA-1 of the certificate of Service Fabric's endpoint. */
  readonly thumbprint?: string | undefined
  /** Whom an endpoint means that knows no system-assigned identity. */
  readonly defaultClientId?: string | undefined
  /** Whether nothing in the environment told of it: it may not be there. */
  readonly isGuess?: boolean | undefined
}
