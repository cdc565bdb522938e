/** What applications may sign client assertions with, made ready once from the directory. */
import * as Effect from "effect/Effect"
import * as Jose from "jose"
import type { App, Directory, FederatedCredential } from "./directory.js"

/** The algorithms of certificate credentials: PS256, and RS256 of the time before it. */
export type Algorithm = "RS256" | "PS256"

/** One public key, for each algorithm: WebCrypto binds a key to its algorithm. */
export type Keys = Readonly<Record<Algorithm, Jose.CryptoKey>>

export interface RegisteredCertificate {
  /** SHA-1 and SHA-256 of the DER, as base64url. */
  readonly x5t: string
  readonly x5tS256: string
  readonly keys: Keys
}

export interface RegisteredIssuer extends FederatedCredential {
  readonly keys: Keys
}

export interface Registered {
  readonly certificates: ReadonlyArray<RegisteredCertificate>
  readonly issuers: ReadonlyArray<RegisteredIssuer>
}

export type AssertionKeys = ReadonlyMap<App, Registered>

const pemPattern = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/

const thumbprint = async (algorithm: "SHA-1" | "SHA-256", der: Uint8Array<ArrayBuffer>) =>
  Jose.base64url.encode(new Uint8Array(await crypto.subtle.digest(algorithm, der)))

/** What is shorter, the checks of a signature refuse as a fault of the program. */
const minModulusLength = 2048

const bothKeys = async (load: (algorithm: Algorithm) => Promise<Jose.CryptoKey>): Promise<Keys> => {
  const keys = { RS256: await load("RS256"), PS256: await load("PS256") }
  const { algorithm } = keys.PS256
  const bits = "modulusLength" in algorithm ? Number(algorithm.modulusLength) : 0
  if (bits < minModulusLength) throw new Error("the key is too short")
  return keys
}

const certificate = async (text: string): Promise<RegisteredCertificate> => {
  const [pem = "", base64 = ""] = pemPattern.exec(text) ?? []
  const der = Uint8Array.from(atob(base64.replace(/\s/g, "")), (character) => character.charCodeAt(0))
  return {
    x5t: await thumbprint("SHA-1", der),
    x5tS256: await thumbprint("SHA-256", der),
    keys: await bothKeys((algorithm) => Jose.importX509(pem, algorithm))
  }
}

const issuer = async (credential: FederatedCredential): Promise<RegisteredIssuer> => {
  // The public half only, and no `alg` or `use` of its own.
  const { n = "", e = "" } = credential.publicKey
  return { ...credential, keys: await bothKeys((algorithm) => Jose.importJWK({ kty: "RSA", n, e }, algorithm)) }
}

const registered = (app: App): Effect.Effect<Registered> => {
  const load = <A>(what: string, promise: () => Promise<A>) =>
    Effect.orDie(
      Effect.tryPromise({
        try: promise,
        catch: () => new Error(`App ${app.clientId}: ${what} with an RSA key of ${minModulusLength} bits or more.`)
      })
    )
  return Effect.all({
    certificates: Effect.forEach(app.certificates ?? [], (given, index) =>
      load(`certificates[${index}] must be a certificate in PEM`, () => certificate(given.certificate))
    ),
    issuers: Effect.forEach(app.federatedCredentials ?? [], (given, index) =>
      load(`federatedCredentials[${index}].publicKey must be a JWK`, () => issuer(given))
    )
  })
}

/** A certificate or key that can't be used is a defect: the program that made the directory has to change. */
export const make = (directory: Directory): Effect.Effect<AssertionKeys> =>
  Effect.map(
    Effect.forEach(
      [...directory.tenants, ...(directory.adfs === undefined ? [] : [directory.adfs])].flatMap(({ apps }) => apps),
      (app) => Effect.map(registered(app), (keys) => [app, keys] as const)
    ),
    (entries) => new Map(entries)
  )
