/** The sign of the house: something light, carried up. */
export const Mark = ({ size = 28 }: { size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden role="presentation">
    <rect width="32" height="32" rx="8" fill="light-dark(#12141a, #262c37)" />
    <path
      d="M9 20.500c0-7 7-5.500 7-12.500 0 7 7 5.500 7 12.500"
      fill="none"
      stroke="#7dd3fc"
      strokeWidth="3"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
    <path d="M16 14v10.500" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
  </svg>
)
