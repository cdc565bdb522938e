import * as Either from "effect/Either"
import { isGuid } from "../core/guid.js"
import { ConfigurationError } from "../core/TokenError.js"

const kinds = ["clientId", "objectId", "resourceId"] as const

/**
 * By which of its ids a user-assigned identity is known.
 *
 * @internal
 */
export type UserAssignedKind = (typeof kinds)[number]

/** @internal */
export interface UserAssigned {
  readonly kind: UserAssignedKind
  readonly id: string
}

/**
 * A user-assigned identity by one of its ids: the client id, the object (principal) id, or the resource id.
 *
 * @since 0.1.0
 * @category models
 */
export type UserAssignedOptions = { readonly [kind in UserAssignedKind]?: string | undefined }

const refuse = (parameter: string, expected: string, remedy: string) =>
  Either.left(new ConfigurationError({ parameter, expected, remedy }))

const resourceForm =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.ManagedIdentity\/userAssignedIdentities\/([^/]+)$/i
/** Azure Resource Manager's rules for names. */
const groupName = /^[\p{L}\p{N}_().-]{1,90}$/u
const identityName = /^[a-z0-9][a-z0-9_-]{2,127}$/i

const isResourceId = (text: string): boolean => {
  const [, subscription = "", group = "", name = ""] = resourceForm.exec(text) ?? []
  return isGuid(subscription) && groupName.test(group) && identityName.test(name)
}

const fromPortal = "Copy it from the identity's page in the Azure portal."
const guid = { isValid: isGuid, expected: "a GUID", remedy: fromPortal }

const forms = {
  clientId: guid,
  objectId: { ...guid, remedy: `${fromPortal} It is also called the principal id.` },
  resourceId: {
    isValid: isResourceId,
    expected:
      "/subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
    remedy: "Copy it from the properties of the identity in the Azure portal, without its host."
  }
} satisfies Record<UserAssignedKind, unknown>

const parseId = (kind: UserAssignedKind, id: string): Either.Either<UserAssigned, ConfigurationError> => {
  const { expected, isValid, remedy } = forms[kind]
  return isValid(id) ? Either.right({ kind, id }) : refuse(`userAssigned.${kind}`, expected, remedy)
}

/**
 * Which user-assigned identity is meant; absent for the system-assigned one. An id is kept as it was written.
 *
 * @internal
 */
export const parseUserAssigned = (
  options: UserAssignedOptions | undefined
): Either.Either<UserAssigned | undefined, ConfigurationError> => {
  if (options === undefined) return Either.right(undefined)
  const given = kinds.flatMap((kind) => {
    const id = options[kind]
    return id === undefined ? [] : [{ kind, id }]
  })
  const [first, ...others] = given
  if (first === undefined)
    return refuse(
      "userAssigned",
      "one of clientId, objectId and resourceId",
      "Give one, or leave `userAssigned` out for the system-assigned identity."
    )
  if (others.length > 0)
    return refuse(
      "userAssigned",
      `one id, not ${given.map(({ kind }) => kind).join(" and ")}`,
      "Each of them names the identity: give one."
    )
  return parseId(first.kind, first.id)
}
