/** The package ships no types; glTF-Transform alone calls into the modules that these make. */
declare module 'draco3dgltf' {
  const draco3d: {
    createDecoderModule(): Promise<object>;
    createEncoderModule(): Promise<object>;
  };
  export default draco3d;
}
