// Style sheets are imported for their effect: the build collects them into <name>.css.
declare module "*.css";
