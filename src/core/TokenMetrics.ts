/**
 * What the library counts.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import type { Source } from "./AccessToken.js"

/**
 * Tokens handed out, tagged `source`: `identity_provider`, `cache` or `cache_stale`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const tokensServed = Metric.counter("effect_entra_tokens_served", {
  description: "Access tokens handed out, by where they came from",
  incremental: true
})

/**
 * Requests sent to a token endpoint, tagged `result`: `token`, or the error's tag.
 *
 * @since 0.1.0
 * @category metrics
 */
export const exchanges = Metric.counter("effect_entra_exchanges", {
  description: "Requests to a token endpoint, by their result",
  incremental: true
})

/**
 * The counter of each source, tagged once: a hit has no time for more than an addition.
 *
 * @internal
 */
export const servedFrom: Readonly<Record<Source, Metric.Metric.Counter<number>>> = {
  identity_provider: Metric.tagged(tokensServed, "source", "identity_provider"),
  cache: Metric.tagged(tokensServed, "source", "cache"),
  cache_stale: Metric.tagged(tokensServed, "source", "cache_stale")
}

/**
 * The circuit of a host, tagged `server.address`: 0 closed, 1 half-open, 2 open.
 *
 * @since 0.1.0
 * @category metrics
 */
export const circuitStates = Metric.gauge("effect_entra_circuit_state", {
  description: "The circuit of a host: 0 closed, 1 half-open, 2 open"
})

/**
 * Renewals ahead of time, tagged `result`: `token`, or the error's tag.
 *
 * @since 0.1.0
 * @category metrics
 */
export const renewals = Metric.counter("effect_entra_renewals", {
  description: "Tokens renewed in the background before their end, by the result",
  incremental: true
})

/**
 * When a client's certificate ends (epoch seconds), tagged `certificate`: its SHA-256 as in `x5t#S256`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const certificateEnds = Metric.gauge("effect_entra_certificate_end", {
  description: "When a client's certificate ends, in epoch seconds"
})

/**
 * Tokens in memory, of the cache that was written to last.
 *
 * @since 0.1.0
 * @category metrics
 */
export const cacheEntries = Metric.gauge("effect_entra_cache_entries", { description: "Access tokens in memory" })

/**
 * About what the tokens in memory take.
 *
 * @since 0.1.0
 * @category metrics
 */
export const cacheBytes = Metric.gauge("effect_entra_cache_bytes", { description: "Bytes of access tokens in memory" })

/**
 * Tokens that went from memory, tagged `reason`: `expired`, or `evicted` for others before their end.
 *
 * @since 0.1.0
 * @category metrics
 */
export const evictions = Metric.counter("effect_entra_cache_evictions", {
  description: "Access tokens that went from memory, by the reason",
  incremental: true
})

/**
 * What a cache's store did not do, tagged `operation` and `reason`: `timeout`, `failed` or `refused`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const storeFailures = Metric.counter("effect_entra_store_failures", {
  description: "Operations that the store of a token cache failed, by operation and reason",
  incremental: true
})

/**
 * Entries of a store that could not be read and count as absent, tagged `reason`: that of `TokenEncryption.Unreadable`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const unreadableEntries = Metric.counter("effect_entra_store_unreadable", {
  description: "Entries of a token cache's store that could not be read, by the reason",
  incremental: true
})
