import { X509Certificate } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Jose from "jose"
import * as SelfSigned from "selfsigned"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, publicOrigin } from "./helpers.js"

/** A certificate, its key, and its thumbprints in hex. */
export interface Certified {
  readonly certificate: string
  readonly privateKey: string
  readonly sha1: string
  readonly sha256: string
}

export const makeCertificate = async (keySize = 2048): Promise<Certified> => {
  const made = await SelfSigned.generate([{ name: "commonName", value: "daemon" }], { keySize, algorithm: "sha256" })
  const { fingerprint, fingerprint256 } = new X509Certificate(made.cert)
  const hex = (text: string) => text.replaceAll(":", "")
  return {
    certificate: made.cert,
    privateKey: made.private,
    sha1: hex(fingerprint),
    sha256: hex(fingerprint256)
  }
}

export const base64Url = (hex: string) => Buffer.from(hex, "hex").toString("base64url")

export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

export const endpoint = `${publicOrigin}/${defaults.tenantId}/oauth2/v2.0/token`

/** The federated credential that documents use as their example. */
export const github = {
  issuer: "https://token.actions.githubusercontent.com",
  subject: "repo:octo-org/octo-repo:environment:Production",
  audience: "api://AzureADTokenExchange"
}

/** The default directory, whose application may also prove itself in these ways. */
export const directoryWith = (
  proofs: Pick<EntraEmulator.App, "certificates" | "federatedCredentials">
): EntraEmulator.Directory => ({
  tenants: EntraEmulator.defaultDirectory.tenants.map((tenant) => ({
    ...tenant,
    apps: tenant.apps.map((app) => ({ ...app, ...proofs }))
  }))
})

export interface Signed {
  readonly header?: Jose.JWTHeaderParameters
  readonly claims: Jose.JWTPayload
  readonly privateKey: string
}

export const sign = ({ header = { alg: "PS256" }, claims, privateKey }: Signed) =>
  Effect.promise(async () =>
    new Jose.SignJWT(claims).setProtectedHeader(header).sign(await Jose.importPKCS8(privateKey, header.alg))
  )
