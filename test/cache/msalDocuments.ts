import { Either, Redacted } from "effect"
import type { Document, Section } from "../../src/cache/msalDocument.js"
import * as MsalDocument from "../../src/cache/msalDocument.js"

export const right = <A, E>(either: Either.Either<A, E>): A => Either.getOrThrowWith(either, () => new Error("refused"))

export type Json = Readonly<Record<string, unknown>>

/** The document of a JSON value. */
export const documentOf = (json: unknown): Document => right(MsalDocument.parse(JSON.stringify(json)))

export const jsonOf = (document: Document): Json => JSON.parse(MsalDocument.print(document))

/** The entries of a section, as JSON. */
export const sectionOf = (document: Document, section: Section): Readonly<Record<string, Json>> =>
  (jsonOf(document)[section] ?? {}) as Readonly<Record<string, Json>>

export const opened = (secret: Redacted.Redacted | undefined): string | undefined => secret && Redacted.value(secret)
