/** Where people are: one address for each, the same to the authority and to the APIs. */
import type { Memory } from "./memory.js"

export interface Location {
  readonly address: string
  /** Epoch milliseconds. */
  readonly since: number
}

/** Of whoever was never moved; an address for documentation (RFC 5737). */
export const defaultAddress = "192.0.2.1"

const home: Location = { address: defaultAddress, since: 0 }

export const of = (memory: Memory, username: string): Location => memory.locations.get(username.toLowerCase()) ?? home

export const move = (memory: Memory, username: string, location: Location): void =>
  void memory.locations.set(username.toLowerCase(), location)
