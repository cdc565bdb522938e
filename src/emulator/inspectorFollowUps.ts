/** What a client did after it was not served: came again, came with claims, or stayed away. */
import type { Subject } from "./inspectorSubject.js"

export type FollowUp =
  | { readonly _tag: "Served" }
  | { readonly _tag: "Retried"; readonly after: number; readonly by: number }
  | { readonly _tag: "CameWithClaims"; readonly after: number; readonly by: number }
  | { readonly _tag: "GaveUp" }

export interface Asked {
  readonly id: number
  readonly subject: Subject
  /** Epoch milliseconds of the `Clock`. */
  readonly startedAt: number
}

/** A request that was not served. */
export interface Unserved extends Asked {
  readonly endedAt: number
  /** Epoch milliseconds until which the client may stay away, and not have given up. */
  readonly awaitedUntil: number
  readonly demandsClaims: boolean
  readonly tell: (followUp: FollowUp) => void
}

export interface FollowUps {
  readonly expect: (unserved: Unserved) => void
  /** Says to whom of the unserved this request belongs. */
  readonly meet: (asked: Asked) => void
  readonly giveUp: (now: number) => void
  /** What nobody sees any more. */
  readonly forget: (id: number) => void
}

const isSameParty = (left: Subject, right: Subject) =>
  (left.client !== undefined && left.client.id.toLowerCase() === right.client?.id.toLowerCase()) ||
  (left.user !== undefined && left.user === right.user)

export const make = (): FollowUps => {
  // All of them in the order in which they were answered; a request looks only at those that it may belong to.
  const open = new Map<number, Unserved>()
  const byKey = new Map<string, Set<Unserved>>()
  const demanding = new Set<Unserved>()

  const remove = (unserved: Unserved) => {
    const { id, subject } = unserved
    open.delete(id)
    demanding.delete(unserved)
    byKey.get(subject.key)?.delete(unserved)
    if (byKey.get(subject.key)?.size === 0) byKey.delete(subject.key)
  }

  const conclude = (unserved: Unserved, followUp: FollowUp) => {
    remove(unserved)
    unserved.tell(followUp)
  }

  return {
    expect: (unserved) => {
      const { key } = unserved.subject
      const others = byKey.get(key) ?? new Set()
      open.set(unserved.id, unserved)
      byKey.set(key, others.add(unserved))
      if (unserved.demandsClaims) demanding.add(unserved)
    },
    meet: ({ id, startedAt, subject }) => {
      const after = ({ endedAt }: Unserved) => Math.max(0, startedAt - endedAt)
      if (subject.hasClaims) {
        for (const each of demanding) {
          if (isSameParty(each.subject, subject)) conclude(each, { _tag: "CameWithClaims", after: after(each), by: id })
        }
      }
      for (const first of byKey.get(subject.key) ?? []) {
        conclude(first, { _tag: "Retried", after: after(first), by: id })
        return
      }
    },
    giveUp: (now) => {
      for (const each of open.values()) if (now > each.awaitedUntil) conclude(each, { _tag: "GaveUp" })
    },
    forget: (id) => {
      const unserved = open.get(id)
      if (unserved !== undefined) remove(unserved)
    }
  }
}
