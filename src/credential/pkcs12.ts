import * as Effect from "effect/Effect"
import type * as Forge from "node-forge"
import { ConfigurationError } from "../core/TokenError.js"
import { isIssuedBy } from "./x509.js"

type Library = typeof Forge

/** What a file holds, as DER: a private key (PKCS#8), its certificate and those that issued it. */
export interface Opened {
  readonly key: Uint8Array
  readonly certificates: ReadonlyArray<Uint8Array>
}

const refuse = (parameter: string, expected: string, remedy: string) =>
  new ConfigurationError({ parameter, expected, remedy })

/** Loaded by who needs it: a program without such a file needs no such library. */
const forge: Effect.Effect<Library, ConfigurationError> = Effect.tryPromise({
  try: async () => (await import("node-forge")).default,
  catch: () =>
    refuse("node-forge", "the optional peer node-forge, which opens PKCS#12", "npm install node-forge@^1.4.3")
})

/** Forge's bytes are strings of characters up to 255. */
const toBinary = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

const toBytes = (binary: string): Uint8Array => Uint8Array.from(binary, (character) => character.charCodeAt(0))

const derOf = ({ asn1 }: Library, value: Forge.asn1.Asn1): Uint8Array => toBytes(asn1.toDer(value).getBytes())

const notPkcs12 = () =>
  refuse(
    "content",
    "a whole PKCS#12 file (DER)",
    "Give the file's bytes as they are: no PEM, no base64, nothing cut off."
  )

const notOpened = () =>
  refuse(
    "passphrase",
    "a PKCS#12 file that this passphrase opens",
    "Try it with: openssl pkcs12 -in file.pfx -noout -info"
  )

const parsed = (library: Library, content: Uint8Array) =>
  Effect.try({ try: () => library.asn1.fromDer(toBinary(content)), catch: notPkcs12 }).pipe(
    Effect.filterOrFail(
      ({ value }) => Array.isArray(value) && value[0]?.type === library.asn1.Type.INTEGER && value.length >= 2,
      notPkcs12
    )
  )

interface Attempt {
  readonly passphrase: string | undefined
  /** Leaves the file's checksum unread; that key and certificate belong together is proven afterwards. */
  readonly skipsMac?: boolean
}

/**
 * No passphrase is written as an empty one or as none at all (RFC 7292 B.1). One beyond ASCII is UTF-16 in a checksum and in
 * the old ciphers, and UTF-8 in the new ones, where Forge knows one form for both.
 */
const attemptsFor = (library: Library, passphrase: string): readonly [Attempt, ...ReadonlyArray<Attempt>] => {
  if (passphrase === "") return [{ passphrase: "" }, { passphrase: undefined }]
  const utf8 = library.util.encodeUtf8(passphrase)
  return utf8 === passphrase ? [{ passphrase }] : [{ passphrase }, { passphrase: utf8, skipsMac: true }]
}

const bagsOf = (library: Library, content: Uint8Array, { passphrase, skipsMac = false }: Attempt) =>
  Effect.flatMap(parsed(library, content), (pfx) =>
    Effect.try({
      try: () => {
        if (skipsMac && Array.isArray(pfx.value)) pfx.value.splice(2)
        const { safeContents } = library.pkcs12.pkcs12FromAsn1(pfx, passphrase)
        return safeContents.flatMap(({ safeBags }) => safeBags)
      },
      catch: notOpened
    })
  )

interface Certificate {
  readonly der: Uint8Array
  /** What ties it to its key (RFC 2985 5.5.2). */
  readonly keyId: string | undefined
}

const keyIdOf = ({ attributes }: Forge.pkcs12.Bag): string | undefined => {
  const ids: unknown = attributes?.localKeyId
  return Array.isArray(ids) && typeof ids[0] === "string" ? ids[0] : undefined
}

/** Forge reads RSA keys; other kinds it leaves as they are in the file (PKCS#8). */
const keyOf = (library: Library, { asn1, key }: Forge.pkcs12.Bag): Uint8Array =>
  derOf(library, key == null ? asn1 : library.pki.wrapRsaPrivateKey(library.pki.privateKeyToAsn1(key)))

const certificateOf = (library: Library, bag: Forge.pkcs12.Bag): Certificate => ({
  der: derOf(library, bag.cert == null ? bag.asn1 : library.pki.certificateToAsn1(bag.cert)),
  keyId: keyIdOf(bag)
})

/** The key's own, by its id, else that which issued none of the others. */
const ownOf = (certificates: ReadonlyArray<Certificate>, keyId: string | undefined): Certificate | undefined =>
  certificates.find((certificate) => keyId !== undefined && certificate.keyId === keyId) ??
  certificates.find(({ der }) => !certificates.some((other) => other.der !== der && isIssuedBy(other.der, der))) ??
  certificates[0]

const chainOf = (own: Certificate, certificates: ReadonlyArray<Certificate>): ReadonlyArray<Uint8Array> => {
  const chain = [own.der]
  let last: Uint8Array | undefined = own.der
  while (last !== undefined) {
    const current: Uint8Array = last
    last = certificates.map(({ der }) => der).find((der) => !chain.includes(der) && isIssuedBy(current, der))
    if (last !== undefined) chain.push(last)
  }
  return chain
}

const oneKey = (found: number) =>
  refuse(
    "content",
    `a PKCS#12 file with one private key, not ${found}`,
    "Export it anew: openssl pkcs12 -export -inkey key.pem -in certificate.pem"
  )

const noCertificate = () => refuse("content", "a PKCS#12 file with a certificate", "Export it with its certificate.")

const read = (library: Library, bags: ReadonlyArray<Forge.pkcs12.Bag>) =>
  Effect.gen(function* () {
    const { certBag, keyBag, pkcs8ShroudedKeyBag } = library.pki.oids
    const [key, ...more] = bags.filter(({ type }) => type === keyBag || type === pkcs8ShroudedKeyBag)
    if (key === undefined || more.length > 0) return yield* oneKey(key === undefined ? 0 : more.length + 1)
    const { certificates, der } = yield* Effect.try({
      try: () => ({
        der: keyOf(library, key),
        certificates: bags.filter(({ type }) => type === certBag).map((bag) => certificateOf(library, bag))
      }),
      catch: notPkcs12
    })
    const own = ownOf(certificates, keyIdOf(key))
    return own === undefined ? yield* noCertificate() : { key: der, certificates: chainOf(own, certificates) }
  })

/**
 * Opens a PKCS#12 file (RFC 7292), of OpenSSL 3 (AES) and of the time before it (RC2, Triple DES).
 *
 * @internal
 */
export const open = (content: Uint8Array, passphrase: string): Effect.Effect<Opened, ConfigurationError> =>
  Effect.gen(function* () {
    const library = yield* forge
    const [first, ...others] = attemptsFor(library, passphrase)
    const bags = yield* others.reduce(
      (before, attempt) => Effect.orElse(before, () => bagsOf(library, content, attempt)),
      bagsOf(library, content, first)
    )
    return yield* read(library, bags)
  })
