import * as Either from "effect/Either"
import * as Inspectable from "effect/Inspectable"

/** A JSON object as it was parsed: its fields may be any, those of others included. */
export type Entity = Readonly<Record<string, unknown>>

const sections = ["Account", "IdToken", "AccessToken", "RefreshToken", "AppMetadata"] as const

/** The parts of the document that all MSALs know; others are carried along. */
export type Section = (typeof sections)[number]

/** Why a text is no document; nothing of the text is told. */
export interface Malformed {
  readonly reason: "json" | "shape" | "size"
}

/** @internal */
export const isEntity = (value: unknown): value is Entity =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * What MSALs share (their unified cache schema): entities by section and key. It is never changed, an edit makes another one.
 * It holds tokens, so that printing it shows nothing.
 *
 * @internal
 */
export class Document extends Inspectable.Class {
  readonly #root: Entity

  constructor(root: Entity) {
    super()
    this.#root = root
  }

  get text(): string {
    return JSON.stringify(this.#root)
  }

  entries(section: Section): ReadonlyArray<readonly [string, unknown]> {
    const entities = this.#root[section]
    return isEntity(entities) ? Object.entries(entities) : []
  }

  /** Entries and not assignments make the object: a key `__proto__` is a key like any other. */
  withEntries(section: Section, entries: ReadonlyArray<readonly [string, unknown]>): Document {
    return new Document({ ...this.#root, [section]: Object.fromEntries(entries) })
  }

  toJSON(): unknown {
    return { _id: "MsalDocument" }
  }
}

/**
 * @internal
 */
export const empty: Document = new Document({})

/**
 * In UTF-16 units. A file of MSAL's has some kB.
 *
 * @internal
 */
export const longest = 64 * 1024 * 1024

/** MSAL's own schema needs four floors; a deeper text could be read, and then not written (`JSON.stringify` recurses). */
const deepest = 64

const isShallow = (value: unknown, depth: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (depth > 0 && Object.values(value).every((child) => isShallow(child, depth - 1)))

const isDocument = (root: unknown): root is Entity =>
  isEntity(root) &&
  sections.every((name) => !Object.hasOwn(root, name) || root[name] === null || isEntity(root[name])) &&
  isShallow(root, deepest)

const refuse = (reason: Malformed["reason"]) => Either.left<Malformed>({ reason })

/**
 * Reads a text; an empty one is an empty document.
 *
 * @internal
 */
export const parse = (text: string): Either.Either<Document, Malformed> => {
  if (text.length > longest) return refuse("size")
  if (text.trim() === "") return Either.right(empty)
  return Either.try({ try: (): unknown => JSON.parse(text), catch: (): Malformed => ({ reason: "json" }) }).pipe(
    Either.flatMap((root) => (isDocument(root) ? Either.right(new Document(root)) : refuse("shape")))
  )
}

/**
 * The same without what MSALs know.
 *
 * @internal
 */
export const emptied = (document: Document): Document =>
  sections.reduce(
    (left, section) => (left.entries(section).length === 0 ? left : left.withEntries(section, [])),
    document
  )

/**
 * @internal
 */
export const print = (document: Document): string => document.text

/**
 * What a section holds that is an object at all.
 *
 * @internal
 */
export const entities = (document: Document, section: Section): ReadonlyArray<Entity> =>
  document.entries(section).flatMap(([, value]) => (isEntity(value) ? [value] : []))

/** What becomes of the entry of a key, given what is there. */
export interface Put {
  readonly key: string
  readonly entity: (present: Entity | undefined) => Entity
}

/**
 * Drops some entities of a section and puts one in, at its place if its key is there, else at the end. All others stay as
 * they are; where nothing is to be done the document is the same one.
 *
 * @internal
 */
export const edit = (
  document: Document,
  section: Section,
  change: { readonly drop?: ((entity: Entity) => boolean) | undefined; readonly put?: Put | undefined }
): Document => {
  const { drop = () => false, put } = change
  const before = document.entries(section)
  const kept = before.filter(([key, value]) => key === put?.key || !isEntity(value) || !drop(value))
  if (put === undefined) return kept.length === before.length ? document : document.withEntries(section, kept)
  const present = kept.find(([key]) => key === put.key)?.[1]
  const entry = [put.key, put.entity(isEntity(present) ? present : undefined)] as const
  const others = kept.map((other) => (other[0] === put.key ? entry : other))
  return document.withEntries(section, others.includes(entry) ? others : [...others, entry])
}
