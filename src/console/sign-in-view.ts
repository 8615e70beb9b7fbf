// The form that asks for the root account's key. The secret key is used to sign one request, and then forgotten.

import { Refusal, signIn } from "./admin-api.ts";
import { element } from "./element.ts";

export function signInView(onSignedIn: () => void): readonly Node[] {
  const accessKey = field("accessKey", "text", "username");
  const secretKey = field("secretKey", "password", "current-password");
  const words = element("p", { role: "alert" });
  const form = element(
    "form",
    { class: "card", "aria-label": "Sign in" },
    element("h1", {}, "Sign in"),
    element("label", {}, "Access key of the root account", accessKey),
    element("label", {}, "Secret key", secretKey),
    element("button", { type: "submit" }, "Sign in"),
    words,
    element(
      "p",
      { class: "faint" },
      "The secret key does not leave this browser. Nothing can be changed here.",
    ),
  );
  const submit = async (): Promise<void> => {
    const key = { accessKey: accessKey.value.trim(), secretKey: secretKey.value };
    secretKey.value = "";
    words.textContent = "";
    try {
      await signIn(key);
      onSignedIn();
    } catch (error) {
      words.textContent = wordsOf(error);
      secretKey.focus();
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  return [form];
}

function field(name: string, type: string, autocomplete: "current-password" | "username") {
  const input = document.createElement("input");
  input.name = name;
  input.type = type;
  input.autocomplete = autocomplete;
  input.required = true;
  input.spellcheck = false;
  return input;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Refusal)) return "The server does not answer.";
  if (error.code === "InvalidAccessKeyId") return "That is not the root account's access key.";
  if (error.code === "SignatureDoesNotMatch") return "The secret key is not the right one.";
  return error.message;
}
