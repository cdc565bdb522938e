import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import { parseUserAssigned, type UserAssignedOptions } from "../../src/client/userAssigned.js"

const read = (options: UserAssignedOptions | undefined) => Either.getOrThrow(parseUserAssigned(options))

const refusalOf = (options: UserAssignedOptions) => {
  const error = Either.getOrThrow(Either.flip(parseUserAssigned(options)))
  assert.strictEqual(error._tag, "ConfigurationError")
  assert.isNotEmpty(error.remedy)
  return error
}

const resourceIdOf = (subscription: string, group: string, name: string) =>
  `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`

const guid = "0a1b2c3d-4e5f-4a6b-8c7d-9e8f0a1b2c3d"
const resourceId = resourceIdOf(guid, "orders", "orders-api")

const resourceIds = FastCheck.tuple(
  FastCheck.uuid(),
  FastCheck.stringMatching(/^[\wäÖ日().-]{1,90}$/),
  FastCheck.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}$/)
).map((parts) => resourceIdOf(...parts))

const idOf = { clientId: FastCheck.uuid(), objectId: FastCheck.uuid(), resourceId: resourceIds } as const
const kinds = ["clientId", "objectId", "resourceId"] as const

describe("which user-assigned identity is meant", () => {
  it("is none where nothing is told", () => {
    assert.isUndefined(read(undefined))
  })

  for (const kind of kinds)
    it.prop(`is told by its ${kind} alone`, [idOf[kind]], ([id]) => {
      assert.deepStrictEqual(read({ [kind]: id }), { kind, id })
      const others = Object.fromEntries(kinds.map((other) => [other, undefined]))
      assert.deepStrictEqual(read({ ...others, [kind]: id }), { kind, id })
    })

  it.prop("is told by a resource id in whatever case, and kept as it is written", [resourceIds], ([id]) => {
    for (const written of [id.toLowerCase(), id.replace("resourceGroups", "RESOURCEGROUPS")])
      assert.deepStrictEqual(read({ resourceId: written }), { kind: "resourceId", id: written })
  })

  it.each([{}, { clientId: undefined }, { clientId: undefined, objectId: undefined, resourceId: undefined }])(
    "has to be told: %j",
    (options) => {
      const { message, parameter } = refusalOf(options)
      assert.strictEqual(parameter, "userAssigned")
      assert.include(message, "leave `userAssigned` out for the system-assigned identity")
    }
  )

  it.each([
    [{ clientId: guid, objectId: guid }, "one id, not clientId and objectId"],
    [{ clientId: guid, resourceId }, "one id, not clientId and resourceId"],
    [{ objectId: "", resourceId }, "one id, not objectId and resourceId"],
    [{ clientId: guid, objectId: guid, resourceId }, "one id, not clientId and objectId and resourceId"]
  ])("is told once: %j", (options, expected) => {
    assert.deepInclude(refusalOf(options), { parameter: "userAssigned", expected })
  })

  const noGuids = FastCheck.oneof(
    FastCheck.string(),
    FastCheck.uuid().map((id) => `{${id}}`),
    FastCheck.uuid().map((id) => `${id} `),
    FastCheck.uuid().map((id) => `${id}\n`),
    FastCheck.uuid().map((id) => id.replaceAll("-", "")),
    FastCheck.constant(resourceId)
  )
  it.prop("is not told by what is no GUID", [noGuids, FastCheck.constantFrom("clientId", "objectId")], ([id, kind]) => {
    assert.deepInclude(refusalOf({ [kind]: id }), { parameter: `userAssigned.${kind}`, expected: "a GUID" })
  })

  it.each([
    "",
    guid,
    "orders-api",
    `${resourceId}/`,
    ` ${resourceId}`,
    `${resourceId}\n`,
    resourceId.slice(1),
    `https://management.azure.com${resourceId}`,
    resourceId.replace("Microsoft.ManagedIdentity", "MicrosoftXManagedIdentity"),
    resourceId.replace("Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.Compute/virtualMachines"),
    resourceIdOf("subscription", "orders", "orders-api"),
    resourceIdOf(guid, "", "orders-api"),
    resourceIdOf(guid, "two words", "orders-api"),
    resourceIdOf(guid, "orders?a=b", "orders-api"),
    resourceIdOf(guid, "g".repeat(91), "orders-api"),
    resourceIdOf(guid, "orders", "id"),
    resourceIdOf(guid, "orders", "-orders"),
    resourceIdOf(guid, "orders", "orders.api"),
    resourceIdOf(guid, "orders", "n".repeat(129))
  ])("is not told by what is no resource id: %j", (id) => {
    const { expected, parameter } = refusalOf({ resourceId: id })
    assert.strictEqual(parameter, "userAssigned.resourceId")
    assert.strictEqual(expected, resourceIdOf("{guid}", "{name}", "{name}"))
  })

  it.prop("is not told by any other text", [FastCheck.fullUnicodeString()], ([text]) => {
    for (const kind of kinds) assert.strictEqual(refusalOf({ [kind]: text }).parameter, `userAssigned.${kind}`)
  })
})
