import { generateKeyPairSync } from "node:crypto"
import { Redacted } from "effect"
import { generate } from "selfsigned"

/** A key and a certificate of it, made for a test. */
export interface KeyPair {
  readonly privateKey: Redacted.Redacted
  readonly certificate: string
}

export const makeCertificate = async (options: { readonly notAfterDate?: Date } = {}): Promise<KeyPair> => {
  const made = await generate([{ name: "commonName", value: "daemon" }], {
    keySize: 2048,
    algorithm: "sha256",
    ...options
  })
  return { privateKey: Redacted.make(made.private), certificate: made.cert }
}

export const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 })
export const ec = generateKeyPairSync("ec", { namedCurve: "P-256" })

export const pkcs1 = rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString()
export const pkcs8 = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()
export const ecPkcs8 = ec.privateKey.export({ type: "pkcs8", format: "pem" }).toString()
export const encrypted = rsa.privateKey
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "hunter2" })
  .toString()
