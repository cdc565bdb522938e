import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import { identityResource } from "../../src/client/identityResource.js"
import type { Scopes } from "../../src/core/scopes.js"

const read = (scopes: Scopes) => Either.getOrThrow(identityResource(scopes))

const refusalOf = (scopes: Scopes) => {
  const error = Either.getOrThrow(Either.flip(identityResource(scopes)))
  assert.strictEqual(error._tag, "ConfigurationError")
  assert.strictEqual(error.parameter, "scopes")
  return error
}

const guid = "0a1b2c3d-4e5f-4a6b-8c7d-9e8f0a1b2c3d"

const host = FastCheck.stringMatching(/^[a-zA-Z]([a-zA-Z0-9]{0,10})(\.[a-z]{2,8}){0,2}$/)
const uri = FastCheck.tuple(
  FastCheck.constantFrom("https", "api", "HTTPS", "ms-appx.web"),
  host,
  FastCheck.stringMatching(/^(\/[a-zA-Z0-9_-]{1,8}){0,3}\/{0,2}$/)
).map(([scheme, name, path]) => `${scheme}://${name}${path}`)
const resource = FastCheck.oneof(uri, FastCheck.uuid())

describe("the resource of a managed identity's token", () => {
  it.each([
    ["https://vault.azure.net/.default", "https://vault.azure.net"],
    ["https://management.azure.com//.default", "https://management.azure.com/"],
    ["https://management.azure.com///.default", "https://management.azure.com//"],
    ["https://vault.azure.net/.DEFAULT", "https://vault.azure.net"],
    ["https://vault.azure.net", "https://vault.azure.net"],
    ["https://vault.azure.net/", "https://vault.azure.net/"],
    ["api://my-api/.default", "api://my-api"],
    ["api://my-api", "api://my-api"],
    [`api://${guid}/.default`, `api://${guid}`],
    [`${guid}/.default`, guid],
    [guid, guid],
    ["urn:contoso:orders/.default", "urn:contoso:orders"]
  ])("is what %s names", (scope, expected) => {
    assert.strictEqual(read(scope).resource, expected)
    assert.deepStrictEqual(read([scope]), read(scope))
  })

  it.prop("is what stands before /.default, and the same without it", [resource], ([name]) => {
    assert.deepStrictEqual(read(`${name}/.default`), {
      resource: name,
      scopes: [`${name}/.default`],
      key: name.toLowerCase()
    })
    assert.deepStrictEqual(read(name), { resource: name, scopes: [name], key: name.toLowerCase() })
  })

  it.prop("is one, however it is written and repeated", [resource], ([name]) => {
    const scope = `${name}/.default`
    const { key } = read(scope)
    assert.strictEqual(read(scope.toUpperCase()).key, key)
    assert.strictEqual(read([scope, scope.toLowerCase(), scope]).key, key)
  })

  it.prop(
    "is never more than one",
    [FastCheck.uniqueArray(resource, { minLength: 2, selector: (name) => name.toLowerCase() })],
    ([names]) => {
      const { expected, remedy } = refusalOf(names.map((name) => `${name}/.default`))
      assert.strictEqual(expected, "exactly one scope")
      assert.strictEqual(remedy, "Ask for the tokens of each resource in a call of its own.")
    }
  )

  it("is not guessed where there is none", () => {
    assert.strictEqual(
      refusalOf([]).message,
      'scopes: expected one scope. Name the resource, such as "https://vault.azure.net/.default".'
    )
  })

  it.each([
    "",
    " ",
    "https://vault.azure.net/.default openid",
    " https://vault.azure.net/.default",
    "https://vault.azure.net/.default\n",
    'https://vault"azure',
    "https://vault\\azure",
    "https://väult.azure.net/.default"
  ])("is not read from what can't be a scope: %j", (scope) => {
    const { expected, remedy } = refusalOf(scope)
    assert.strictEqual(expected, "a scope without spaces, quotes or backslashes")
    assert.include(remedy, "https://vault.azure.net/.default")
  })

  it.each([
    "User.Read",
    "openid",
    ".default",
    "/.default",
    "//.default",
    "https:///.default",
    "https://",
    "https:",
    "urn:",
    "://vault.azure.net/.default",
    "vault.azure.net/.default",
    "vault.azure.net:443/.default",
    "https://[vault/.default",
    "https://vault.azure.net?a=b/.default",
    "https://vault.azure.net/.default?a=b",
    "https://vault.azure.net#a/.default",
    "https://vault.azure.net/.default#a",
    "https://vault.azure.net?",
    "https://vault.azure.net#",
    `${guid}0/.default`
  ])("is not read from %s", (scope) => {
    const { expected, remedy } = refusalOf(scope)
    assert.include(expected, "an absolute URI without query and fragment")
    assert.include(remedy, "Name the resource")
  })

  it.prop("is found or refused, whatever is asked for", [FastCheck.fullUnicodeString()], ([text]) => {
    const found = identityResource(text)
    if (Either.isLeft(found)) return
    assert.include([text, `${found.right.resource}/.default`], text)
    assert.notMatch(found.right.resource, /[\s?#"\\]/)
  })
})
