import { assert, describe, it } from "@effect/vitest"
import * as Grants from "../../src/protocol/grants.js"
import * as Bodies from "./bodies.js"
import { check, failureOf } from "./classified.js"

const { entraError } = Bodies

describe("an app's refusal", () => {
  check([
    ["a wrong secret", entraError("invalid_client", 7000215), { status: 401 }, "InvalidClient", { status: 401 }],
    ["a wrong secret in 2017", entraError("invalid_client", 50012), { status: 401 }, "InvalidClient"],
    ["an expired secret", entraError("invalid_client", 7000222), { status: 401 }, "InvalidClient"],
    ["a secret of AD FS", Bodies.adfs, { status: 401 }, "InvalidClient", { errorCodes: ["MSIS9605"] }],
    ["an app that is not in the tenant", entraError("unauthorized_client", 700016), {}, "RequestRejected"],
    ["a scope that is none", entraError("invalid_scope", 70011), {}, "RequestRejected", { error: "invalid_scope" }],
    ["a resource that is none", entraError("invalid_resource", 500011), {}, "RequestRejected"],
    ["a missing parameter", entraError("invalid_request", 90014), {}, "RequestRejected"],
    ["a grant that is none", { error: "unsupported_grant_type" }, {}, "RequestRejected"],
    ["an audience that is refused", { error: "invalid_target" }, {}, "RequestRejected", { error: "invalid_target" }],
    ["an unknown authority", entraError("invalid_instance", 50049), {}, "RequestRejected"],
    [
      "a grant that is malformed",
      entraError("invalid_grant", 9002313),
      {},
      "RequestRejected",
      { error: "invalid_grant" }
    ],
    ["an error that nobody knows", { error: "made_up" }, {}, "RequestRejected", { error: "made_up" }],
    ["access that is denied", { error: "access_denied" }, { status: 403 }, "RequestRejected", { status: 403 }],
    [
      "an error object with 200",
      entraError("invalid_scope", 70011),
      { status: 200 },
      "RequestRejected",
      { status: 200 }
    ],
    [
      "a demand that only a user could meet",
      entraError("interaction_required", 53003, { claims: Bodies.polids, suberror: "message_only" }),
      {},
      "RequestRejected",
      { error: "interaction_required", suberror: "message_only", claims: Bodies.polids }
    ],
    [
      "a policy on workload identities",
      entraError("invalid_grant", 53003, { claims: Bodies.capolids }),
      {},
      "RequestRejected",
      { claims: Bodies.capolids }
    ]
  ])

  it("is never one that asks for a user", () => {
    for (const error of [
      "interaction_required",
      "login_required",
      "consent_required",
      "invalid_grant",
      "expired_token"
    ])
      assert.strictEqual(failureOf({ error, suberror: "basic_action", claims: "{}" })._tag, "RequestRejected")
  })
})

describe("a user's refusal", () => {
  const grant = Grants.refreshToken

  check([
    ["a wrong secret", entraError("invalid_client", 7000215), { grant, status: 401 }, "InvalidClient"],
    ["a scope that is none", entraError("invalid_scope", 70011), { grant }, "RequestRejected"],
    ["an app that is not in the tenant", entraError("unauthorized_client", 700016), { grant }, "RequestRejected"],
    ["a refresh token that has expired", entraError("invalid_grant", 700082), { grant }, "InvalidGrant"],
    ["an assertion that has expired", Bodies.twoCodes, { grant }, "InvalidGrant"],
    ["a grant that B2C has let expire", Bodies.b2c, { grant }, "InvalidGrant", { errorCodes: ["AADB2C90080"] }],
    ["a second factor, told by the description alone", Bodies.descriptionOnly, { grant }, "InvalidGrant"],
    [
      "a second factor",
      entraError("interaction_required", 50076, { suberror: "basic_action", claims: Bodies.polids }),
      { grant },
      "InteractionRequired",
      { classification: "basic_action", claims: Bodies.polids, errorCodes: ["AADSTS50076"] }
    ],
    [
      "a second factor, told as invalid_grant",
      entraError("invalid_grant", 50076, { suberror: "basic_action", claims: Bodies.capolids }),
      { grant },
      "InteractionRequired",
      { classification: "basic_action", claims: Bodies.capolids, error: "invalid_grant" }
    ],
    [
      "claims alone, with invalid_grant",
      entraError("invalid_grant", 50076, { claims: Bodies.capolids }),
      { grant },
      "InteractionRequired",
      { classification: "none", claims: Bodies.capolids }
    ],
    [
      "Conditional Access that blocks",
      entraError("interaction_required", 53003, { suberror: "message_only" }),
      { grant },
      "InteractionRequired",
      { classification: "message_only", claims: undefined }
    ],
    [
      "consent that is missing, told as invalid_grant",
      entraError("invalid_grant", 65001, { suberror: "consent_required" }),
      { grant },
      "InteractionRequired",
      { classification: "consent_required" }
    ],
    [
      "consent that is missing",
      { error: "consent_required" },
      { grant },
      "InteractionRequired",
      { classification: "consent_required" }
    ],
    [
      "a sign-in that is missing",
      { error: "login_required" },
      { grant },
      "InteractionRequired",
      { classification: "none" }
    ],
    ["an account that is not chosen", { error: "account_selection_required" }, { grant }, "InteractionRequired"],
    [
      "a sign-in frequency, told as interaction_required",
      entraError("interaction_required", 70043, { suberror: "token_expired" }),
      { grant },
      "InteractionRequired",
      { classification: "none", suberror: "token_expired" }
    ],
    [
      "a sign-in frequency, told as invalid_grant",
      entraError("invalid_grant", 70043, { suberror: "token_expired" }),
      { grant },
      "InvalidGrant"
    ],
    [
      "Intune",
      entraError("unauthorized_client", 530021, { suberror: "protection_policy_required" }),
      { grant },
      "RequestRejected",
      { suberror: "protection_policy_required" }
    ]
  ])

  it.each(["basic_action", "additional_action", "message_only", "consent_required", "user_password_expired"])(
    "with the suberror %s is the user's to mend, and classified by it",
    (suberror) => {
      for (const error of ["invalid_grant", "interaction_required"]) {
        const failure = failureOf({ error, suberror }, { grant })
        assert(failure._tag === "InteractionRequired")
        assert.strictEqual(failure.classification, suberror)
      }
    }
  )

  it("with empty claims asks for none", () => {
    const { claims, ...body } = entraError("invalid_grant", 50076, { claims: "" })
    assert.deepStrictEqual(failureOf({ ...body, claims }, { grant }), failureOf(body, { grant }))
    assert.strictEqual(failureOf({ ...body, claims }, { grant })._tag, "InvalidGrant")
  })

  it.each([
    "none",
    "bad_token",
    "token_expired",
    "client_mismatch",
    "device_authentication_failed",
    "protection_policy_required",
    "new_one"
  ])("with the suberror %s wants a new grant", (suberror) => {
    const failure = failureOf({ error: "invalid_grant", suberror }, { grant })
    assert(failure._tag === "InvalidGrant")
    assert.strictEqual(failure.suberror, suberror)
  })

  it.each([Grants.authorizationCode, Grants.refreshToken, Grants.onBehalfOf])("is the same for $name", (other) => {
    assert.strictEqual(failureOf({ error: "interaction_required" }, { grant: other })._tag, "InteractionRequired")
    assert.strictEqual(failureOf({ error: "invalid_grant" }, { grant: other })._tag, "InvalidGrant")
    assert.strictEqual(failureOf({ error: "invalid_client" }, { grant: other })._tag, "InvalidClient")
    assert.strictEqual(failureOf({ error: "access_denied" }, { grant: other })._tag, "RequestRejected")
  })

  it("elsewhere than at Entra is not refined by suberror and claims", () => {
    const body = { error: "invalid_grant", suberror: "basic_action", claims: "{}" }
    assert.strictEqual(failureOf(body, { grant, authority: "custom" })._tag, "InvalidGrant")
    for (const [error, classification] of [
      ["login_required", "none"],
      ["interaction_required", "none"],
      ["consent_required", "consent_required"]
    ]) {
      const failure = failureOf({ error, suberror: "basic_action" }, { grant, authority: "custom" })
      assert(failure._tag === "InteractionRequired")
      assert.deepStrictEqual([failure.classification, failure.suberror], [classification, "basic_action"])
    }
  })
})

describe("a device's refusal", () => {
  const grant = Grants.deviceCode

  check([
    ["the code has expired", { error: "expired_token" }, { grant }, "DeviceCodeExpired"],
    ["the code has expired, in other words", { error: "code_expired" }, { grant }, "DeviceCodeExpired"],
    ["the user declined", { error: "authorization_declined" }, { grant }, "AuthorizationDeclined"],
    ["the user declined, in RFC 8628's words", { error: "access_denied" }, { grant }, "AuthorizationDeclined"],
    ["the code is unknown", { error: "bad_verification_code" }, { grant }, "InvalidGrant"],
    ["a policy wants more", { error: "interaction_required" }, { grant }, "InteractionRequired"],
    ["the client is wrong", entraError("invalid_client", 7000218), { grant, status: 401 }, "InvalidClient"],
    [
      "an error object with 200",
      { error: "expired_token" },
      { grant, status: 200 },
      "DeviceCodeExpired",
      { status: 200 }
    ]
  ])
})
