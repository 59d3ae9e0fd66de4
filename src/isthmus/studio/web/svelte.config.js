import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // A canvas is no control: it may say that it is a picture.
    warningFilter: (warning) => warning.code !== "a11y_no_interactive_element_to_noninteractive_role",
  },
};
