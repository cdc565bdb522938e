import { HttpClient, type HttpClientRequest } from "@effect/platform"
import { Effect } from "effect"

/** One exchange with its attempts, as its requests show it. */
interface Flight {
  requests: number
  /** Retries that no Retry-After had asked for. */
  paid: number
  wasAskedToWait: boolean
}

/** What the client has sent. */
export interface Meter {
  readonly client: HttpClient.HttpClient
  readonly requests: () => number
  readonly flights: () => number
  /** The most requests that one flight has sent. */
  readonly mostOfAFlight: () => number
  readonly paidRetries: () => number
  /** The most requests that were under way at once for one key. */
  readonly mostAtOnce: () => number
}

const keyOf = (request: HttpClientRequest.HttpClientRequest): string => {
  const form = new URLSearchParams(
    request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
  )
  return [request.url, form.get("scope"), form.get("claims")].join(" ")
}

const waits = ["retry-after", "retry-after-ms", "x-ms-retry-after-ms"]

/** Flights are told apart by their correlation id; only what is under way is kept, so that the meter does not grow. */
export const make = (client: HttpClient.HttpClient): Meter => {
  const recent = new Map<string, Flight>()
  const underWay = new Map<string, number>()
  let [requests, flights, mostOfAFlight, paidRetries, mostAtOnce] = [0, 0, 0, 0, 0]

  const flightOf = (id: string): Flight => {
    const known = recent.get(id)
    if (known !== undefined) return known
    flights += 1
    const flight = { requests: 0, paid: 0, wasAskedToWait: false }
    recent.set(id, flight)
    // A flight is over long before so many have followed it.
    if (recent.size > 1000) for (const oldest of [...recent.keys()].slice(0, 500)) recent.delete(oldest)
    return flight
  }

  const begin = (request: HttpClientRequest.HttpClientRequest, key: string): Flight => {
    const flight = flightOf(request.headers["client-request-id"] ?? "")
    if (flight.requests > 0 && !flight.wasAskedToWait) paidRetries += 1
    flight.requests += 1
    requests += 1
    const atOnce = (underWay.get(key) ?? 0) + 1
    underWay.set(key, atOnce)
    mostOfAFlight = Math.max(mostOfAFlight, flight.requests)
    mostAtOnce = Math.max(mostAtOnce, atOnce)
    flight.wasAskedToWait = false
    return flight
  }

  return {
    client: HttpClient.make((request) =>
      Effect.suspend(() => {
        const key = keyOf(request)
        const flight = begin(request, key)
        return client.execute(request).pipe(
          Effect.tap(({ headers }) => {
            flight.wasAskedToWait = waits.some((name) => name in headers)
          }),
          Effect.ensuring(Effect.sync(() => underWay.set(key, (underWay.get(key) ?? 0) - 1)))
        )
      })
    ),
    requests: () => requests,
    flights: () => flights,
    mostOfAFlight: () => mostOfAFlight,
    paidRetries: () => paidRetries,
    mostAtOnce: () => mostAtOnce
  }
}
