import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    // A document for the thin views; pure functions don't mind it.
    environment: "happy-dom",
    passWithNoTests: true,
  },
});
