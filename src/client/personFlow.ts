import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AccessToken } from "../core/AccessToken.js"
import type { Account } from "../core/Account.js"
import { type ConfigurationError, InvalidAuthorizationResponse, type UserError } from "../core/TokenError.js"
import type { AuthenticationResult } from "./AuthorizationCode.js"
import type { InteractionError, InteractionService } from "./Interaction.js"
import type { InteractiveRequest, SilentRequest, TokenRequest } from "./PublicClient.js"

/** Only the person goes on from there. */
const needsPerson = (failure: UserError): boolean =>
  failure._tag === "InvalidGrant" ||
  (failure._tag === "InteractionRequired" && failure.classification !== "message_only")

const asInteractive = ({ account: _, forceRefresh: __, rejected: ___, ...request }: TokenRequest): InteractiveRequest =>
  request

const homeTenantOf = ({ homeAccountId, tenantId }: Account): string => homeAccountId.split(".")[1] ?? tenantId

const another = new InvalidAuthorizationResponse({ reason: "account" })

/** The account that is meant: the one that was named, or the only one there is. */
const accountMeant = ({ account }: TokenRequest, all: ReadonlyArray<Account>): Account | undefined => {
  if (account !== undefined) return all.find(({ homeAccountId }) => homeAccountId === account.homeAccountId)
  return all.length === 1 ? all[0] : undefined
}

/**
 * A token silently where that is possible, else by a person, who is asked once at a time: who waited meanwhile tries silently
 * again, or shares the failure.
 *
 * @internal
 */
export const make = (client: {
  readonly getAccounts: Effect.Effect<ReadonlyArray<Account>, ConfigurationError>
  readonly silently: (request: SilentRequest) => Effect.Effect<AccessToken, UserError>
  readonly signIn: (
    interaction: InteractionService,
    request: InteractiveRequest
  ) => Effect.Effect<AuthenticationResult, InteractionError>
}): ((
  interaction: InteractionService,
  request: TokenRequest
) => Effect.Effect<AuthenticationResult, InteractionError>) => {
  const turn = Effect.unsafeMakeSemaphore(1)
  let asked = 0
  let failure: InteractionError | undefined

  const signIn = (interaction: InteractionService, request: TokenRequest, more: Partial<InteractiveRequest>) =>
    client.signIn(interaction, { ...asInteractive(request), ...more }).pipe(
      Effect.filterOrFail(
        ({ account }) => request.account === undefined || account.homeAccountId === request.account.homeAccountId,
        () => another
      ),
      Effect.tapBoth({
        onFailure: (error) =>
          Effect.sync(() => {
            asked += 1
            failure = error
          }),
        onSuccess: () =>
          Effect.sync(() => {
            asked += 1
            failure = undefined
          })
      })
    )

  const acquire = (
    interaction: InteractionService,
    request: TokenRequest
  ): Effect.Effect<AuthenticationResult, InteractionError> =>
    Effect.gen(function* () {
      const before = asked
      const account = accountMeant(request, yield* client.getAccounts)
      const tenantId = request.tenantId ?? request.account?.tenantId
      const ask = (claims: string | undefined): Effect.Effect<AuthenticationResult, InteractionError> => {
        const more = { claims, tenantId, loginHint: request.loginHint ?? account?.username }
        return turn
          .withPermits(1)(
            Effect.suspend(() => {
              if (asked === before) return Effect.asSome(signIn(interaction, request, more))
              return failure === undefined ? Effect.succeedNone : Effect.fail(failure)
            })
          )
          .pipe(Effect.flatMap(Option.match({ onNone: () => acquire(interaction, request), onSome: Effect.succeed })))
      }
      if (account === undefined) return yield* ask(request.claims)
      const { claims, correlationId, forceRefresh, rejected, scopes } = request
      const { homeAccountId } = account
      return yield* client
        .silently({
          account: { homeAccountId, tenantId: tenantId ?? homeTenantOf(account) },
          claims,
          correlationId,
          forceRefresh,
          rejected,
          scopes,
          tenantId: request.tenantId
        })
        .pipe(
          Effect.map((token): AuthenticationResult => ({ account, token })),
          Effect.catchIf(needsPerson, (refused) =>
            ask((refused._tag === "InteractionRequired" ? refused.claims : undefined) ?? claims)
          )
        )
    })

  return acquire
}
