import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", "coverage/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommended],
    rules: {
      eqeqeq: "error",
      "prefer-const": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // Names, sources and strings from a learner's code reach the page as text, never as markup.
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Use textContent or build elements: text from code must stay text." },
        { property: "outerHTML", message: "Use textContent or build elements: text from code must stay text." },
        { property: "insertAdjacentHTML", message: "Use textContent or build elements: text from code must stay text." },
      ],
      "no-eval": "error",
    },
  },
  {
    files: ["**/*.mjs", "**/*.js"],
    languageOptions: { globals: { process: "readonly", console: "readonly" } },
  },
);
