/** The device's own code for what went wrong, beside its words. */
export function StatusCode({ code }: { code: string }) {
  return (
    <>
      {' '}
      <code className="status-code" title="The device's own code">
        {code}
      </code>
    </>
  )
}
