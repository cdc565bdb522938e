import { createHash } from "node:crypto"

const seal = (body: string) => createHash("sha256").update(body).digest("hex")

/** A numbered text whose length changes, with a checksum. */
export const numbered = (number: number): string => {
  const body = `${number}:${"x".repeat((number % 7) * 9000)}`
  return `${body}:${seal(body)}`
}

/** The number of a text that is whole. */
export const numberOf = (value: string): number => {
  const end = value.lastIndexOf(":")
  const body = value.slice(0, end)
  if (seal(body) !== value.slice(end + 1)) throw new Error(`torn after ${value.length} characters`)
  return Number.parseInt(body, 10)
}
